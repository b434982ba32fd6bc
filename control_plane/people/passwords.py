"""Passwords of people: argon2id, a few at a time, since each takes a core and 64 MB for a while."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_AT_ONCE = 2

_hasher = PasswordHasher()  # the library's parameters: RFC 9106's second recommendation
_NOBODYS = _hasher.hash("nobody's")


class Passwords:
    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def digest(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(_hasher.hash, password)

    async def is_right(self, held: str | None, presented: str) -> bool:
        """Compare; of a person who is not there, or has no password, in the same time."""
        async with self._slots:
            right = await asyncio.to_thread(_verify, held or _NOBODYS, presented)
        return right and held is not None


def _verify(held: str, presented: str) -> bool:
    try:
        return _hasher.verify(held, presented)
    except (VerifyMismatchError, InvalidHashError):
        return False
