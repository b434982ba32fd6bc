"""Probes and metrics, for whoever runs the server."""

from typing import Any

from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler

from data_plane.ports import Readiness
from shared.runtime.leaving import Leaving
from shared.runtime.telemetry import Telemetry

_NO_STORE = {"Cache-Control": "no-store"}
_READ = (HttpMethod.GET, HttpMethod.HEAD)


def health_handlers(
    readiness: Readiness, telemetry: Telemetry, leaving: Leaving
) -> list[HTTPRouteHandler]:
    @route(["/livez", "/health"], http_method=_READ, sync_to_thread=False)
    def livez() -> Response[dict[str, str]]:
        """The process answers. Touches nothing, so that no outage has it restarted."""
        return Response({"status": "ok"}, headers=_NO_STORE)

    @route(["/readyz", "/startupz"], http_method=_READ, sync_to_thread=False)
    def readyz() -> Response[dict[str, Any]]:
        """503 until everything was reached once. Then 200: without its database the plane serves

        what it holds, and a balancer that took every replica out would end that too. 503 again
        once the server ends.
        """
        missing = readiness.missing()
        if leaving.stopping:
            body = {"status": "draining", "missing": missing}
            return Response(body, status_code=503, headers=_NO_STORE)
        if not readiness.started():
            body = {"status": "starting", "missing": missing}
            return Response(body, status_code=503, headers=_NO_STORE)
        body = {"status": "degraded" if missing else "ok", "missing": missing}
        return Response(body, headers=_NO_STORE)

    @route("/metrics", http_method=_READ, sync_to_thread=False)
    def metrics() -> Response[bytes]:
        return Response(telemetry.render(), media_type="text/plain; version=0.0.4")

    return [livez, readyz, metrics]
