"""Guessing secrets, bounded: RFC 6749 section 2.3.1 wants an endpoint kept from brute force.

Counted by client and by the caller's site, so a guesser locks itself out and not the owner. What is
counted is how many DIFFERENT secrets were wrong: Go's oauth2 sends each one twice, in both styles,
and a service with an old secret sends the same one all day.

Each worker counts for itself and, where there is a Redis, all of them count together: a guesser
that meets another worker at each guess has no more guesses. While Redis does not answer, what a
worker has counted by itself is what holds.
"""

from contextlib import suppress
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from data_plane.ports import SharedGuesses
from data_plane.protocol.errors import TemporarilyUnavailable, TooManyRequests
from shared.domain.bounded import keep
from shared.domain.ids import ClientId, TenantId

_GUESSES = 10  # different ones, in
_WINDOW = 60  # seconds
_LOCKED = [bytes([number]) for number in range(_GUESSES)]  # in the place of others' guesses
_TOO_MANY = "too many wrong secrets: try again later"
_MAXIMUM_KEPT = 15_000  # at most 1 KB each; unknown ids are apart, so that they push nobody out

Guesser: TypeAlias = tuple[TenantId, ClientId, str]


class _Window(msgspec.Struct):
    ends_at: int  # seconds since the epoch
    guesses: list[bytes]  # a set of ten takes thrice the room


class WrongSecrets:
    def __init__(self, shared: SharedGuesses | None = None) -> None:
        self._shared = shared
        self._known: dict[bytes, _Window] = {}
        self._unknown: dict[bytes, _Window] = {}

    async def check(self, guesser: Guesser, *, known: bool, now: int) -> None:
        """Raise TooManyRequests where the site has guessed too often at the client."""
        self.check_here(guesser, known=known, now=now)
        if self._shared is None or not self._shared.usable:
            return
        name, seconds = _digest(guesser), 0
        with suppress(TemporarilyUnavailable):
            seconds = await self._shared.locked_for(guesser[0], name)
        if seconds:
            locked = _Window(ends_at=now + seconds, guesses=list(_LOCKED))
            keep(self._of(known=known), name, locked, _MAXIMUM_KEPT)
            raise TooManyRequests(_TOO_MANY, seconds)

    def check_here(self, guesser: Guesser, *, known: bool, now: int) -> None:
        """Do as check by what this worker knows alone, for a secret that was proved before.

        A guesser that others have locked out is known here from its first wrong guess on.
        """
        window = self._of(known=known).get(_digest(guesser))
        if window is not None and window.ends_at > now and len(window.guesses) >= _GUESSES:
            raise TooManyRequests(_TOO_MANY, window.ends_at - now)

    async def count(self, guesser: Guesser, guess: bytes, *, known: bool, now: int) -> None:
        """Count a secret that was wrong; `guess` is a digest of it."""
        windows, name = self._of(known=known), _digest(guesser)
        window = windows.get(name)
        if window is None or window.ends_at <= now:
            window = _Window(ends_at=now + _WINDOW, guesses=[])
            keep(windows, name, window, _MAXIMUM_KEPT)
        if guess not in window.guesses:
            window.guesses.append(guess)
        if self._shared is not None and self._shared.usable:
            with suppress(TemporarilyUnavailable):
                await self._shared.count(guesser[0], name, guess)

    def __len__(self) -> int:
        return len(self._known) + len(self._unknown)

    def _of(self, *, known: bool) -> dict[bytes, _Window]:
        return self._known if known else self._unknown


def _digest(guesser: Guesser) -> bytes:
    """Name the guesser in 16 bytes: a client id that is not ours may be as long as a body."""
    return blake2b("\0".join(guesser).encode(), digest_size=16).digest()
