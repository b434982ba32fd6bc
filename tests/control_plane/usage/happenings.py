"""Tokens that were issued and requests that were refused, as the data plane records them."""

from collections.abc import Iterable
from datetime import datetime
from secrets import randbits
from uuid import UUID

from data_plane.ports import RefusedRequest
from data_plane.store.refusals import NotedRefusals
from data_plane.store.usage import StoredUsage
from shared.domain.ids import ClientId, TenantId, uuid7
from tests.ledgers import RealLedger, issued, opened_ledger
from tests.support import Installation


async def issue(
    installation: Installation, tenant: TenantId, client_id: str, *times: datetime
) -> list[UUID]:
    """Record a token at each of the times; give their ids in this order."""
    async with opened_ledger(installation.data_url) as real:
        jtis = [uuid7(_milliseconds(each), randbits(74)) for each in times]
        for jti in jtis:
            token = issued(tenant=tenant, client_id=client_id, jti=jti.bytes)
            await real.ledger.record(token)
    return jtis


def refusal(tenant: TenantId, at: datetime, **values: str) -> RefusedRequest:
    given = {
        "client_id": "",
        "endpoint": "oauth/token",
        "error": "invalid_scope",
        "reason": "the client is not granted every scope it asked for",
        "address": "192.0.2.1",
        "request_id": "0123456789abcdef",
    }
    return RefusedRequest(tenant=tenant, at_ms=_milliseconds(at), **given | values)


async def refuse(installation: Installation, *refusals: RefusedRequest) -> None:
    async with opened_ledger(installation.data_url) as real:
        noted = NotedRefusals()
        for each in refusals:
            noted.note(each)
        await StoredUsage(real.pool, noted).flush()


async def count(
    real: RealLedger, tenant: TenantId, counted: Iterable[tuple[str, str, str, int]]
) -> None:
    """Count (client_id, api, event, how often) in this hour."""
    usage = StoredUsage(real.pool, NotedRefusals())
    for client_id, api, event, times in counted:
        for _ in range(times):
            usage.count(tenant, ClientId(client_id), api, event)
    await usage.flush()


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
