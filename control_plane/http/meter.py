"""What an account has used of its month's tokens, as the frame of each page shows it. Pure."""

import msgspec

from shared.domain.limits import MonthlyQuota
from shared.domain.plan import thresholds_reached

_LEVELS = {60: "warn", 80: "high", 100: "over"}  # percent -> a style


class Meter(msgspec.Struct, frozen=True):
    used: int
    quota: MonthlyQuota | None  # None: nothing limits it

    @property
    def level(self) -> str:
        """Name the style of the last threshold that was reached; '' before the first."""
        if self.quota is None:
            return ""
        reached = thresholds_reached(self.quota.announced, self.used)
        return _LEVELS[reached[-1]] if reached else ""

    @property
    def percent(self) -> int:
        """Of what is included and bought; the grace is not told."""
        return self.used * 100 // self.quota.announced if self.quota else 0
