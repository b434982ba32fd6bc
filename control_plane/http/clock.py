"""What time it is, as a page's handlers are given it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Give the time of the machine: the clock outside tests."""
    return datetime.fromtimestamp(time.time(), UTC)
