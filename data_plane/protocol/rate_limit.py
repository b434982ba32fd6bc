"""The fields that tell of limits, draft-ietf-httpapi-ratelimit-headers-11 and RFC 9651."""

from shared.domain.limits import MonthlyQuota, Rate

Header = tuple[bytes, bytes]


def rate_policy(name: str, rate: Rate) -> str:
    """Tell of a rate as the draft has it: q requests in any w seconds."""
    return f'"{name}";q={rate.burst};w={max(1, round(rate.burst / rate.per_second))}'


def month_policy(quota: MonthlyQuota, seconds: int) -> str:
    return f'"month";q={quota.announced};w={seconds}'
