"""What is told of a request that was answered: to the tenant, to the metrics, and to the log."""

import time
from collections.abc import Callable

import msgspec

from data_plane.ports import Refusals, RefusedRequest, Usage
from data_plane.protocol.errors import OAuthError, TooManyRequests
from shared.domain.ids import ClientId, TenantId
from shared.domain.outbound_url import Address
from shared.runtime.request_log import RequestLine, RequestLog
from shared.runtime.telemetry import Telemetry

_TOKEN, _OK = "oauth/token", 200


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    usage: Usage
    took: Callable[[TenantId, float], None]  # counts the seconds of one of its tokens
    refusals: Refusals
    telemetry: Telemetry
    request_log: RequestLog

    def refused(
        self,
        tenant: TenantId,
        client_id: str,
        address: Address,
        endpoint: str,
        error: OAuthError,
        request_id: str,
    ) -> None:
        """Count what was refused, and keep for its tenant why: the wire says less."""
        limited = isinstance(error, TooManyRequests) and error.headers
        event = "limited" if limited else f"refused:{error.code}"
        self.usage.count(tenant, ClientId(client_id), "", event)
        self.refusals.note(
            RefusedRequest(
                tenant=tenant,
                client_id=client_id,
                endpoint=endpoint,
                error=error.code,
                reason=error.description,
                address=str(address),
                request_id=request_id,
                at_ms=time.time_ns() // 1_000_000,
            )
        )

    def answered(self, line: RequestLine, seconds: float, tenant: TenantId | None) -> None:
        if tenant is not None and line.endpoint == _TOKEN and line.status == _OK:
            self.took(tenant, seconds)
        self.telemetry.observe(line.endpoint, line.status, line.error, seconds)
        self.request_log.add(line)
