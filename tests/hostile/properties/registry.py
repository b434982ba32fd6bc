"""The properties: each is a test of a few examples, the same ones in every run.

tests.hostile.fuzz runs them with as many, and as new, examples as there is time for.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
FEW = settings(
    derandomize=True,
    max_examples=150,
    database=None,
    deadline=None,
    suppress_health_check=SLOW_IS_FINE,
)

Check = Callable[..., None]


class Property(msgspec.Struct, frozen=True):
    """A statement, and what it is said of."""

    check: Check
    strategies: dict[str, SearchStrategy[Any]]


PROPERTIES: dict[str, Property] = {}


def holds_for(**strategies: SearchStrategy[Any]) -> Callable[[Check], Check]:
    """Make a test of a function, whose arguments come from these strategies."""

    def register(check: Check) -> Check:
        PROPERTIES[check.__name__] = Property(check, strategies)
        test: Check = FEW(given(**strategies)(check))
        return test

    return register
