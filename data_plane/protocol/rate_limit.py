"""The fields that tell of limits, draft-ietf-httpapi-ratelimit-headers-11 and RFC 9651."""

from collections.abc import Collection

from shared.domain.limits import MonthlyQuota, Rate


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
