"""A rate limit by GCRA (ITU-T I.371): a token bucket that keeps one number. Pure.

The number is the time at which the bucket will be full again. Times are integers here, nanoseconds
times the rate, so that a request costs the same whole number whatever the rate is: nothing is
rounded, and no window ever holds more than burst + rate * time.
"""

from shared.domain.limits import Rate

SECOND = 1_000_000_000  # nanoseconds; and what one request costs, in nanoseconds * rate


class Bucket:
    """What one limit has left, in the memory of one process."""

    __slots__ = ("_full_at", "_most", "_per_second", "rate")

    def __init__(self, rate: Rate) -> None:
        self._full_at = 0  # nanoseconds * rate, of a clock that never goes back
        self._set(rate)

    def take(self, now: int) -> bool:
        """Take one request at `now`, in nanoseconds; False where it is over the limit."""
        scaled = now * self._per_second
        full_at = self._full_at
        if full_at < scaled:  # noqa: PLR1730 - max() costs this path a tenth more
            full_at = scaled
        full_at += SECOND
        if full_at - scaled > self._most:
            return False
        self._full_at = full_at
        return True

    def give_back(self) -> None:
        """Undo the last take: another limit has refused the request."""
        self._full_at -= SECOND

    def left(self, now: int) -> tuple[int, int]:
        """Tell how many requests it takes at once, and in how many seconds it is full again."""
        used = self._full_at - now * self._per_second
        if used <= 0:
            return self.rate.burst, 0
        return (self._most - used) // SECOND, -(-used // (SECOND * self._per_second))

    def set_left(self, left: int, now: int) -> None:
        """Take over from another bucket of the same limit that had so many left."""
        self._full_at = now * self._per_second + self._most - left * SECOND

    def wait(self, now: int) -> int:
        """Tell after how many nanoseconds it takes the next request; 0: now."""
        missing = self._used(now) + SECOND - self._most
        return max(0, -(-missing // self._per_second))

    def change(self, rate: Rate, now: int) -> None:
        """Go on with another rate; what has been used stays used."""
        used = min(self._used(now), rate.burst * SECOND)
        self._set(rate)
        self._full_at = now * rate.per_second + used

    def _set(self, rate: Rate) -> None:
        self.rate = rate
        self._per_second, self._most = rate.per_second, rate.burst * SECOND

    def _used(self, now: int) -> int:
        return max(0, self._full_at - now * self._per_second)
