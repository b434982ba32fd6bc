"""How often an API key may ask: so many requests at once, and so many a second on the whole.

Each worker counts for itself and forgets with its end: it keeps a loop that went wild off the
database, no more.
"""

from control_plane.management_api.problems import TooManyRequests
from shared.domain.bounded import keep
from shared.domain.bucket import SECOND, Bucket
from shared.domain.ids import ClientId
from shared.domain.limits import Rate

RATE = Rate(per_second=10, burst=50)  # of one key's requests
_MAXIMUM_KEPT = 10_000


class Pace:
    def __init__(self) -> None:
        self._buckets: dict[ClientId, Bucket] = {}

    def take(self, key: ClientId, now: int) -> None:
        """Take one request of the key's, `now` in nanoseconds. Raises TooManyRequests."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = Bucket(RATE)
            keep(self._buckets, key, bucket, _MAXIMUM_KEPT)
        if not bucket.take(now):
            raise TooManyRequests(-(-bucket.wait(now) // SECOND))
