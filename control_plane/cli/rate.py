"""The options `--rate` and `--burst`."""

from shared.domain.limits import InvalidLimit, Rate

_BURST = 2  # seconds of the rate, as in every plan


def rate_of_options(rate: int | None, burst: int | None) -> Rate | None:
    """Give the rate that the options name, or None. Raises InvalidLimit."""
    if rate is None and burst is not None:
        raise InvalidLimit("give --rate beside --burst")
    return None if rate is None else Rate(rate, _BURST * rate if burst is None else burst)
