"""Refusals, for the tenant to look at: bounded, so that an attack fills no memory and no disk."""

from data_plane.ports import RefusedRequest
from shared.domain.ids import TenantId

_OF_A_TENANT = 60  # a minute, in this process; the rest is only counted
_OF_ALL = 5_000  # a minute, in this process; so memory is bounded as well
_MINUTE = 60_000  # milliseconds


class NotedRefusals:
    """What the next flush of usage writes; lost by kill -9."""

    def __init__(self) -> None:
        self._minute = 0
        self._noted: dict[TenantId, int] = {}  # in this minute
        self._room = _OF_ALL
        self._pending: list[RefusedRequest] = []

    def note(self, refused: RefusedRequest) -> None:
        minute = refused.at_ms // _MINUTE
        if minute != self._minute:
            self._minute, self._noted, self._room = minute, {}, _OF_ALL
        noted = self._noted.get(refused.tenant, 0)
        if noted < _OF_A_TENANT and self._room and len(self._pending) < _OF_ALL:
            self._noted[refused.tenant] = noted + 1
            self._room -= 1
            self._pending.append(refused)

    def take(self) -> list[RefusedRequest]:
        """Give what was noted since the last time."""
        taken, self._pending = self._pending, []
        return taken
