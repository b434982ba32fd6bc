"""Passwords of people: argon2id, a few at a time, since each takes a core and 64 MB for a while."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION

_AT_ONCE = 2

T = TypeVar("T")

_hasher = PasswordHasher()  # the library's parameters: RFC 9106's second recommendation


class Passwords:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")

    async def digest(self, password: str) -> str:
        return await self._apart(lambda: digest(password))

    async def is_right(self, held: str | None, presented: str) -> bool:
        """Compare; of a person who is not there, or has no password, in the same time."""
        return await self._apart(lambda: _verify(held or _nobodys(), presented))

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def digest(password: str) -> str:
    """Digest it in the thread that asks, for as long as it takes."""
    return _hasher.hash(password)


def _nobodys() -> str:
    """Give a digest that takes as long as any to compare, and is of no password."""
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    salt, digest = (
        b64encode(token_bytes(size)).rstrip(b"=").decode()
        for size in (_hasher.salt_len, _hasher.hash_len)
    )
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _verify(held: str, presented: str) -> bool:
    try:
        return _hasher.verify(held, presented)
    except (VerifyMismatchError, InvalidHashError):
        return False
