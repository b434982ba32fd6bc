"""The door of a worker: requests beyond what it can serve in time are turned away here.

What a request waits grows with those before it, so their number is bounded: the answers that are
given stay quick, and whoever is turned away hears it at once, before anything was computed.
"""

from collections.abc import Awaitable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send
from litestar.types.asgi_types import ReceiveMessage

from data_plane.handlers.answer import error_answer
from data_plane.protocol.errors import TemporarilyUnavailable
from shared.runtime.http1_request import Lane
from shared.runtime.telemetry import Telemetry

# A worker serves some 2,500 of them a second: the last one waits for 100 ms.
MOST_IN_FLIGHT = 256
_BOUNDED = "POST"  # key sets, probes and metrics cost little, and are answered always
_BUSY = "the service is busy"
REFUSED = error_answer(TemporarilyUnavailable(_BUSY), realm="")
_LENGTH = (b"content-length", str(len(REFUSED.body)).encode())


class InFlight:
    """Requests whose body has come and whose answer has not gone."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    @property
    def full(self) -> bool:
        return self.count >= MOST_IN_FLIGHT


class Door:
    """The ASGI application that the worker serves, and beside it the lanes."""

    def __init__(
        self,
        application: ASGIApp,
        telemetry: Telemetry,
        in_flight: InFlight,
        lane: Lane | None = None,
    ) -> None:
        self._application = application
        self._telemetry = telemetry
        self.in_flight = in_flight
        self.lane = lane

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != ScopeType.HTTP or scope["method"] != _BOUNDED:
            return self._application(scope, receive, send)
        if self.in_flight.full:
            return self._refuse(send)
        return self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count it from its body on: who sends that slowly takes nobody's place meanwhile."""
        counted = False

        async def receive_body() -> ReceiveMessage:
            nonlocal counted
            message = await receive()
            if not counted and not message.get("more_body"):
                if self.in_flight.full:  # of those that came at the same moment
                    raise TemporarilyUnavailable(_BUSY)
                counted = True
                self.in_flight.count += 1
            return message

        try:
            await self._application(scope, receive_body, send)
        finally:
            if counted:
                self.in_flight.count -= 1

    async def _refuse(self, send: Send) -> None:
        self._telemetry.observe_turned_away(REFUSED.error)
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": REFUSED.status,
            "headers": [*REFUSED.headers, _LENGTH],
        }
        await send(start)
        await send({"type": "http.response.body", "body": REFUSED.body, "more_body": False})
