"""Random octets of the operating system, fetched many at a time: each call to it costs 2 µs."""

import os

_AT_ONCE = 4096


class RandomOctets:
    """For ids, of which a request needs several. One for each process, made after it was forked:

    a copy would give the same octets again.
    """

    def __init__(self) -> None:
        self._octets = b""
        self._taken = 0

    def take(self, count: int) -> bytes:
        """Give so many octets that nobody was given before; at most some hundreds."""
        if self._taken + count > len(self._octets):
            self._octets, self._taken = os.urandom(_AT_ONCE), 0
        start = self._taken
        self._taken += count
        return self._octets[start : self._taken]
