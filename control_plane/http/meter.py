"""What an account has used of its month's tokens, as the frame of each page shows it. Pure."""

import msgspec

from shared.domain.limits import MonthlyQuota
from shared.domain.plan import thresholds_reached

_LEVELS = {60: "warn", 80: "high", 100: "over"}  # percent -> a style


def level_of(used: int, most: int) -> str:
    """Name the style of the last threshold that was reached; '' before the first."""
    reached = thresholds_reached(most, used) if most else ()
    return _LEVELS[reached[-1]] if reached else ""


class Meter(msgspec.Struct, frozen=True):
    used: int
    quota: MonthlyQuota | None  # None: nothing limits it

    @property
    def level(self) -> str:
        """Name the style of the last threshold that was reached; '' before the first."""
        return "" if self.quota is None else level_of(self.used, self.quota.announced)

    @property
    def percent(self) -> int:
        """Of what is included and bought; the grace is not told."""
        return self.used * 100 // self.quota.announced if self.quota else 0
