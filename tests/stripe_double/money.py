"""Amounts and periods. Pure: cents and seconds in, cents and seconds out."""

from calendar import monthrange
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from tests.stripe_double.wire import JSON

_SECONDS = {"day": 86_400, "week": 7 * 86_400}
_MONTHS = {"month": 1, "year": 12}


def amount_of(price: JSON, quantity: int) -> int:
    """Give what so many cost, in cents."""
    divided = price["transform_quantity"]
    if divided:
        rounding = ROUND_UP if divided["round"] == "up" else ROUND_DOWN
        quantity = int((Decimal(quantity) / divided["divide_by"]).quantize(Decimal(1), rounding))
    if price["billing_scheme"] == "tiered":
        return _cents(_tiered(price, quantity))
    return _cents(Decimal(price["unit_amount_decimal"] or 0) * quantity)


def _tiered(price: JSON, quantity: int) -> Decimal:
    total, below = Decimal(0), 0
    for tier in price["_tiers"]:
        within = tier["up_to"] is None or quantity <= tier["up_to"]
        top = quantity if within else tier["up_to"]
        if price["tiers_mode"] == "volume" and not within:
            continue
        counted = top if price["tiers_mode"] == "volume" else top - below
        if counted > 0 or below == 0:
            total += Decimal(tier["unit_amount_decimal"] or 0) * counted
            total += Decimal(tier["flat_amount"] or 0)
        below = top
        if within:
            break
    return total


def share_of(amount: int, start: int, end: int, at: int) -> int:
    """Give what of a period's amount is for the time from `at` on."""
    return _cents(Decimal(amount) * (end - at) / (end - start))


def _cents(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def end_of_period(start: int, anchor: int, recurring: JSON) -> int:
    """Give the first moment after `start` that is whole intervals from the anchor."""
    interval, many = recurring["interval"], recurring["interval_count"]
    if interval in _SECONDS:
        step = _SECONDS[interval] * many
        return int(anchor + ((start - anchor) // step + 1) * step)
    step, count = _MONTHS[interval] * many, 0
    while (end := _months_after(anchor, step * count)) <= start:
        count += 1
    return end


def _months_after(moment: int, months: int) -> int:
    """Give the same day of a later month, or its last where it has no such day."""
    at = datetime.fromtimestamp(moment, UTC)
    years, month = divmod(at.month - 1 + months, 12)
    year = at.year + years
    day = min(at.day, monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())
