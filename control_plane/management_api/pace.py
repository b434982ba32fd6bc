"""How often an API key may ask: so many requests at once, and so many a second on the whole.

Each worker counts for itself and forgets with its end: it keeps a loop that went wild off the
database, no more.
"""

import math

import msgspec

from control_plane.management_api.problems import TooManyRequests
from shared.domain.bounded import keep
from shared.domain.ids import ClientId

BURST = 50  # requests
_PER_SECOND = 10
_MAXIMUM_KEPT = 10_000


class _Bucket(msgspec.Struct):
    left: float
    at: float


class Pace:
    def __init__(self) -> None:
        self._buckets: dict[ClientId, _Bucket] = {}

    def take(self, key: ClientId, now: float) -> None:
        """Take one request of the key's, `now` in seconds. Raises TooManyRequests."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = _Bucket(left=BURST, at=now)
            keep(self._buckets, key, bucket, _MAXIMUM_KEPT)
        bucket.left = min(BURST, bucket.left + max(0.0, now - bucket.at) * _PER_SECOND)
        bucket.at = now
        if bucket.left < 1:
            raise TooManyRequests(math.ceil((1 - bucket.left) / _PER_SECOND))
        bucket.left -= 1
