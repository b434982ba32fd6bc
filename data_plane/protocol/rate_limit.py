"""The fields that tell of limits, draft-ietf-httpapi-ratelimit-headers-11 and RFC 9651."""

from collections.abc import Collection

import msgspec

from shared.domain.limits import MonthlyQuota, Rate


class Admission(msgspec.Struct, frozen=True, gc=False):
    """A token request that the limits let pass."""

    lines: bytes  # of the answer's head: RateLimit, RateLimit-Policy; empty: nothing limits

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The same as names and values."""
        parts = (line.partition(b": ") for line in self.lines.splitlines())
        return tuple((name, value) for name, _, value in parts)


def rate_policy(name: str, rate: Rate) -> str:
    """Tell of a rate as the draft has it: q requests in any w seconds."""
    return f'"{name}";q={rate.burst};w={max(1, round(rate.burst / rate.per_second))}'


def month_policy(quota: MonthlyQuota, seconds: int) -> str:
    return f'"month";q={quota.announced};w={seconds}'


def lines_to_fill(policies: Collection[str]) -> bytes:
    """Encode both fields as lines of a head, with gaps for each policy's requests and seconds."""
    names = [policy.partition(";")[0] for policy in policies]
    told, left = ", ".join(policies), ", ".join(f"{name};r=%d;t=%d" for name in names)
    return f"ratelimit-policy: {told}\r\nratelimit: {left}\r\n".encode()
