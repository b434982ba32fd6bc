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

MOST_IN_FLIGHT = 256
_LONGEST_WAIT = 0.1  # seconds that those in flight take of the worker, together
_NEWEST = 0.1  # of the average of what one takes is the newest ones'
_SLOWEST = 0.005  # seconds: what takes longer than RS256 on a slow core opened a key, or the like
_BOUNDED = "POST"  # key sets, probes and metrics cost little, and are answered always
_BUSY = "the service is busy"
REFUSED = error_answer(TemporarilyUnavailable(_BUSY), realm="")
_LENGTH = (b"content-length", str(len(REFUSED.body)).encode())


class InFlight:
    """Requests whose body has come and whose answer has not gone."""

    __slots__ = ("_each", "count")

    def __init__(self) -> None:
        self.count = 0
        self._each = 0.0  # seconds of CPU that one takes: RS256 may take ten times what ES256 does

    @property
    def full(self) -> bool:
        return self.count >= MOST_IN_FLIGHT or self.count * self._each > _LONGEST_WAIT

    def took(self, seconds: float, count: int) -> None:
        """Learn from some that were worked on. CPU time: a busy machine turns nobody away."""
        self._each += _NEWEST * (min(seconds / count, _SLOWEST) - self._each)


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
