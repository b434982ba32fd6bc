"""Guessing bounded: so many attempts a minute by one network, and so many at one person.

Each worker counts for itself, which costs nobody anything, and all of them together in what they
share: a guesser that meets another worker at each guess has no more of them. Who is locked out,
waits a minute; a known and an unknown address are counted alike.
"""

from datetime import datetime, timedelta
from hashlib import blake2b
from ipaddress import ip_address
from typing import Protocol

import msgspec

from shared.domain.bounded import keep
from shared.domain.client_address import site_of
from shared.domain.refused import Refused

_MOST = 10  # attempts within
_WINDOW = timedelta(minutes=1)
_WINDOW_OF_CODES = timedelta(hours=1)  # six digits are soon guessed: so many an hour, not a minute
_WINDOW_OF_REFUSALS = timedelta(minutes=10)
_MAXIMUM_KEPT = 20_000


class TooManyAttempts(Refused):
    def __init__(self, seconds: int) -> None:
        super().__init__("too many attempts: wait a while, then try again")
        self.seconds = seconds


class _Counted(msgspec.Struct):
    ends_at: datetime
    attempts: int = 0


class SharedCounts(Protocol):
    """What all workers count together: in the database, or in Redis where there is one."""

    async def count(self, key: bytes, now: datetime, window: timedelta) -> tuple[int, datetime]:
        """Count one more in the window that began with the first.

        Give how many there are, 0 where nobody can tell, and when the window ends.
        """
        ...


class Attempts:
    def __init__(self, shared: SharedCounts) -> None:
        self._shared = shared
        self._networks: dict[bytes, _Counted] = {}
        self._people: dict[bytes, _Counted] = {}  # apart: many networks push no person out

    async def count(self, now: datetime, address: str, person: str) -> None:
        """Count an attempt from an address at a person, by any name. Raises TooManyAttempts.

        One that is refused for its network is not counted against the person.
        """
        await self._count(self._networks, site_of(ip_address(address)), now)
        await self._count(self._people, person, now)

    async def count_network(self, now: datetime, address: str) -> None:
        """Count an attempt that names nobody yet. Raises TooManyAttempts."""
        await self._count(self._networks, site_of(ip_address(address)), now)

    async def count_code(self, now: datetime, person: str) -> None:
        """Count a code of a second factor. Raises TooManyAttempts."""
        await self._count(self._people, f"code of {person}", now, _WINDOW_OF_CODES)

    async def count_letter(self, now: datetime, to: str) -> None:
        """Count a letter that is asked for: nobody's mailbox is filled. Raises TooManyAttempts."""
        await self._count(self._people, f"letter to {to}", now)

    async def is_news(self, now: datetime, person: str) -> bool:
        """Tell whether a refusal of the person is the first for a while: the log has one row."""
        name = f"refusal of {person}"
        try:
            await self._count(self._people, name, now, _WINDOW_OF_REFUSALS, most=1)
        except TooManyAttempts:
            return False
        return True

    def __len__(self) -> int:
        return len(self._networks) + len(self._people)

    async def _count(
        self,
        kept: dict[bytes, _Counted],
        name: str,
        now: datetime,
        window: timedelta = _WINDOW,
        *,
        most: int = _MOST,
    ) -> None:
        key = blake2b(name.encode(), digest_size=16).digest()  # a name may be as long as a form
        counted = kept.get(key)
        if counted is None or counted.ends_at <= now:
            counted = _Counted(ends_at=now + window)
            keep(kept, key, counted, _MAXIMUM_KEPT)
        counted.attempts += 1
        _check(counted.attempts, counted.ends_at, now, most)
        _check(*await self._shared.count(key, now, window), now, most)


def _check(attempts: int, ends_at: datetime, now: datetime, most: int) -> None:
    if attempts > most:
        raise TooManyAttempts(int((ends_at - now).total_seconds()) + 1)
