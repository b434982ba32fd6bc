"""Walking a chain, to find the first event that is not as it was recorded. Pure."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from control_plane.audit.rules import (
    FIRST_PREVIOUS,
    Broken,
    Chain,
    Damage,
    Event,
    Head,
    Verification,
    digest_of,
    is_floor_right,
    is_head_right,
)
from shared.runtime.config import Key

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_NO_ANCHORS: Mapping[int, bytes] = MappingProxyType({})


class Walk:
    """Takes the events in the order of their numbers. Once one is wrong, those that follow only
    tell what was done to it.
    """

    def __init__(
        self,
        chain: Chain,
        keys: Sequence[Key],
        head: Head | None,
        floor: Head | None = None,
        anchors: Mapping[int, bytes] = _NO_ANCHORS,
    ) -> None:
        """`anchors` are digests by the numbers of their events."""
        self._chain = chain
        self._held = keys
        self._keys = {key.key_id: key for key in keys}
        self._head = head
        self._forgotten = 0 if floor is None else floor.seq
        self._seq = self._forgotten
        self._digest = FIRST_PREVIOUS if floor is None else floor.digest
        self._at = _LONG_AGO if floor is None else floor.at
        self._anchors = {seq: each for seq, each in anchors.items() if seq > self._forgotten}
        self._suspect: Event | None = None
        self._broken: Broken | None = None
        if floor is not None and not is_floor_right(chain, keys, floor):
            self._broken = Broken(seq=floor.seq, damage=Damage.FLOOR)

    @property
    def seq(self) -> int:
        """The number of the last event that is as it was recorded."""
        return self._seq

    @property
    def broken(self) -> Broken | None:
        return self._broken

    def take(self, event: Event) -> None:
        if self._broken is not None:
            self._look_for_partner(event, self._broken)
            return
        damage = self._damage_of(event)
        if damage is not None:
            self._suspect = event
            self._broken = Broken(seq=self._seq + 1, damage=damage)
            return
        if self._anchors.get(event.seq, event.digest) != event.digest:
            self._broken = Broken(seq=event.seq, damage=Damage.REWRITTEN)
            return
        self._seq, self._digest, self._at = event.seq, event.digest, event.at
        if self._head is not None and event.seq == self._head.seq:
            self._check_head(self._head, event.digest)

    def finish(self) -> Verification:
        if self._broken is None:
            self._broken = self._damage_of_head()
        return Verification(
            events=self._seq - self._forgotten,
            forgotten=self._forgotten,
            anchors=len(self._anchors),
            broken=self._broken,
        )

    def _damage_of(self, event: Event) -> Damage | None:
        if event.seq != self._seq + 1:
            return Damage.DELETED
        key = self._keys.get(event.key_id)
        if key is None:
            return Damage.UNKNOWN_KEY
        if not self._has_own_digest(key, event):
            return self._edited(key, event)
        if event.previous != self._digest:
            return Damage.HEAD
        return Damage.BACK_DATED if event.at < self._at else None

    def _edited(self, key: Key, event: Event) -> Damage:
        renumbered = digest_of(key, self._chain, event, seq=event.seq + 1)
        if hmac.compare_digest(renumbered, event.digest):
            return Damage.DELETED  # the one before it: this one, and others, took its number
        return Damage.BACK_DATED if event.at < self._at else Damage.EDITED

    def _has_own_digest(self, key: Key, event: Event) -> bool:
        return hmac.compare_digest(digest_of(key, self._chain, event), event.digest)

    def _look_for_partner(self, event: Event, broken: Broken) -> None:
        """See whether this event is the one that stood in the wrong one's place."""
        key, suspect = self._keys.get(event.key_id), self._suspect
        if key is None or suspect is None or broken.other is not None:
            return
        there = digest_of(key, self._chain, event, seq=broken.seq, previous=self._digest)
        if there in {event.digest, suspect.digest}:
            self._broken = Broken(seq=broken.seq, damage=Damage.SWAPPED, other=event.seq)

    def _check_head(self, head: Head, digest: bytes) -> None:
        if head.digest != digest:
            self._broken = Broken(seq=head.seq, damage=Damage.HEAD)

    def _damage_of_head(self) -> Broken | None:
        head = self._head
        if head is None:
            return Broken(seq=self._seq, damage=Damage.HEAD) if self._seq else None
        if head.key_id not in self._keys:
            return Broken(seq=head.seq, damage=Damage.UNKNOWN_KEY)
        if not is_head_right(self._chain, self._held, head) or self._is_below_floor(head):
            return Broken(seq=head.seq, damage=Damage.HEAD)
        if max((head.seq, *self._anchors)) > self._seq:
            return Broken(seq=self._seq + 1, damage=Damage.TRUNCATED)
        return None

    def _is_below_floor(self, head: Head) -> bool:
        """Tell whether it is an older head, or another one where every event is past its time."""
        is_other = head.seq == self._seq and head.digest != self._digest
        return head.seq < self._forgotten or is_other
