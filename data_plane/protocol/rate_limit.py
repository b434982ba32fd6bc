"""Rate limits by GCRA (ITU-T I.371), and the fields that tell of them.

GCRA is a token bucket that keeps one number: the time at which it will be full again. Times are
integers here, nanoseconds times the rate, so that a request costs the same whole number whatever
the rate is: nothing is rounded, and no window ever holds more than burst + rate * time.

The fields are those of draft-ietf-httpapi-ratelimit-headers-11, structured fields of RFC 9651.
"""

import msgspec

from shared.domain.limits import MonthlyQuota, Rate

SECOND = 1_000_000_000  # nanoseconds; and what one request costs, in nanoseconds * rate

Header = tuple[bytes, bytes]


class Bucket(msgspec.Struct):
    """What one limit has left, in the memory of one process."""

    rate: Rate
    full_at: int = 0  # nanoseconds * rate.per_second, of a clock that never goes back

    def take(self, now: int) -> bool:
        """Take one request at `now`, in nanoseconds; False where it is over the limit."""
        per_second = self.rate.per_second
        scaled = now * per_second
        full_at = max(scaled, self.full_at) + SECOND
        if full_at - scaled > self.rate.burst * SECOND:
            return False
        self.full_at = full_at
        return True

    def give_back(self) -> None:
        """Undo the last take: another limit has refused the request."""
        self.full_at -= SECOND

    def left(self, now: int) -> int:
        """Tell how many requests it would still take at once."""
        return (self.rate.burst * SECOND - self._used(now)) // SECOND

    def full_in(self, now: int) -> int:
        """Tell in how many seconds, at most, it is full again."""
        return -(-self._used(now) // (SECOND * self.rate.per_second))

    def wait(self, now: int) -> int:
        """Tell after how many nanoseconds it takes the next request; 0: now."""
        missing = self._used(now) + SECOND - self.rate.burst * SECOND
        return max(0, -(-missing // self.rate.per_second))

    def change(self, rate: Rate, now: int) -> None:
        """Go on with another rate; what has been used stays used."""
        used = min(self._used(now), rate.burst * SECOND)
        self.rate, self.full_at = rate, now * rate.per_second + used

    def _used(self, now: int) -> int:
        return max(0, self.full_at - now * self.rate.per_second)


def rate_policy(name: str, rate: Rate) -> str:
    """Tell of a rate as the draft has it: q requests in any w seconds."""
    return f'"{name}";q={rate.burst};w={max(1, round(rate.burst / rate.per_second))}'


def month_policy(quota: MonthlyQuota, seconds: int) -> str:
    return f'"month";q={quota.announced};w={seconds}'
