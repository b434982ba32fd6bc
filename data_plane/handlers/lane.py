"""The lanes: requests that are answered where they arrive, without a task (decision 20).

A lane takes what is like a request before it in all that decides about it, and leaves whatever is
different in any way to the application, untouched; the two share what decides. What a lane took on
is known again by a keyed hash of all its octets, and not read once more. Each lane has a file:
lane_token.py, lane_introspect.py and lane_documents.py.
"""

from collections.abc import Mapping
from typing import Protocol

from data_plane.handlers.door import REFUSED, InFlight
from data_plane.handlers.lane_answer import send
from data_plane.handlers.lane_known import KnownRequests
from data_plane.handlers.mount import read_path
from shared.runtime.http1_request import Answering, Request
from shared.runtime.telemetry import Telemetry

_DIGITS = 4  # of the length of a body that is worth a moment


class OneLane(Protocol):
    """The lane of some endpoints."""

    def take(self, request: Request, slug: str, endpoint: str, connection: Answering) -> bool:
        """Take on a whole request to an endpoint, to answer it once. False: it is not for here."""
        ...


class Lanes:
    """One for each worker; the lane of all that arrives."""

    def __init__(
        self,
        known: KnownRequests,
        telemetry: Telemetry,
        in_flight: InFlight,
        lanes: Mapping[str, OneLane],
    ) -> None:
        """`lanes` by the names of their endpoints."""
        self._known = known
        self._telemetry = telemetry
        self._in_flight = in_flight
        self._by_endpoint = lanes

    def wants(self, request: Request) -> bool:
        headers = dict(request.headers)
        length = headers.get(b"content-length", b"none")
        return (
            request.method == b"POST"
            and read_path(request.target)[1] in self._by_endpoint
            and b"expect" not in headers
            and length.isdigit()
            and len(length) <= _DIGITS
        )

    def take(self, request: Request, connection: Answering) -> bool:
        if request.method == b"POST" and self._in_flight.full:
            return self._turn_away(connection)
        slug, endpoint = read_path(request.target)
        lane = self._by_endpoint.get(endpoint)
        return lane is not None and lane.take(request, slug, endpoint, connection)

    def again(self, octets: bytes, connection: Answering) -> bool:
        serve = self._known.get(octets)
        if serve is None:
            return False
        if self._in_flight.full and octets.startswith(b"POST "):
            return self._turn_away(connection)
        return serve(connection)

    def _turn_away(self, connection: Answering) -> bool:
        """Refuse it, as the door does."""
        self._telemetry.observe_turned_away(REFUSED.error)
        send(connection, REFUSED)
        return True
