"""What the forms of billing say. Pure."""

import re
from collections.abc import Mapping

from control_plane.http.money import dollars
from shared.domain.limits import InvalidLimit

_DOLLARS = re.compile(r"\$?([0-9]{1,8})(?:\.([0-9]{2}))?")


def overage_cap(fields: Mapping[str, str]) -> int | None:
    """Read what may be spent on tokens over the plan, in US cents; None where it is turned off.

    Raises InvalidLimit.
    """
    if fields.get("overage", "") != "on":
        return None
    found = _DOLLARS.fullmatch(fields.get("cap", "").strip().replace(",", ""))
    cents = int(found[1]) * 100 + int(found[2] or 0) if found else 0
    if not cents:
        raise InvalidLimit("write the cap as dollars, such as 50 or 49.90")
    return cents


def typed_overage(cap: int | None) -> dict[str, str]:
    """Give a cap as `overage_cap` reads it."""
    if cap is None:
        return {"overage": "off"}
    return {"overage": "on", "cap": dollars(cap).removeprefix("$")}
