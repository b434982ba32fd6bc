"""The requests that a lane has taken on, so that the same octets are not read once more."""

from collections.abc import Callable
from typing import TypeAlias

from data_plane.protocol.proved import KeyedHash
from shared.domain.bounded import keep
from shared.runtime.http1_request import Answering, Request

_MAXIMUM_KEPT = 16_384  # each takes some 500 bytes
_MAXIMUM_OCTETS = 8 * 1024  # of a request that may be known again

Serve: TypeAlias = Callable[[Answering], bool]  # False: it is for the application after all


class KnownRequests:
    """One for each worker. Of what may be secret only a name is kept (KeyedHash)."""

    def __init__(self, keyed_hash: KeyedHash) -> None:
        self._keyed_hash = keyed_hash
        self._serve: dict[bytes, Serve] = {}

    def remember(self, request: Request, serve: Serve) -> None:
        """Have it served so when it comes again; one that did not come alone is not remembered."""
        if 0 < len(request.octets) <= _MAXIMUM_OCTETS:
            keep(self._serve, self._keyed_hash(request.octets), serve, _MAXIMUM_KEPT)

    def get(self, octets: bytes) -> Serve | None:
        if len(octets) > _MAXIMUM_OCTETS:
            return None
        return self._serve.get(self._keyed_hash(octets))
