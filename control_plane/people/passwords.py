"""Passwords of people: argon2id, a few at a time, since each takes a core and 64 MB for a while."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_AT_ONCE = 2

T = TypeVar("T")

_hasher = PasswordHasher()  # the library's parameters: RFC 9106's second recommendation
_NOBODYS = _hasher.hash("nobody's")


class Passwords:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")

    async def digest(self, password: str) -> str:
        return await self._apart(lambda: _hasher.hash(password))

    async def is_right(self, held: str | None, presented: str) -> bool:
        """Compare; of a person who is not there, or has no password, in the same time."""
        right = await self._apart(lambda: _verify(held or _NOBODYS, presented))
        return right and bool(held)

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _verify(held: str, presented: str) -> bool:
    try:
        return _hasher.verify(held, presented)
    except (VerifyMismatchError, InvalidHashError):
        return False
