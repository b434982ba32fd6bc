"""Run the properties with new examples for as long as is wanted, and count them.

python -m tests.hostile.fuzz --seconds 60
"""

import argparse
import functools
import time
from collections import Counter
from importlib import import_module
from typing import Any

from hypothesis import given, settings

from tests.hostile.properties.registry import PROPERTIES, SLOW_IS_FINE, Property

MODULES = ("gate", "names", "revocations", "tokens")
MANY = settings(max_examples=500, database=None, deadline=None, suppress_health_check=SLOW_IS_FINE)


def run(name: str, each: Property, counts: Counter[str]) -> None:
    """Try new examples; raises what the property raises, with the smallest example."""

    @functools.wraps(each.check)
    def counted(**example: Any) -> None:
        counts[name] += 1
        each.check(**example)

    MANY(given(**each.strategies)(counted))()


def run_for(seconds: float) -> Counter[str]:
    """Take every property in turn until the time is over; give the examples of each."""
    for module in MODULES:
        import_module(f"tests.hostile.properties.test_{module}")
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, each in PROPERTIES.items():
            run(name, each, counts)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    counts = run_for(parser.parse_args().seconds)
    for name, count in sorted(counts.items()):
        print(f"{count:>9,}  {name}")  # noqa: T201 - what it is for
    print(f"{counts.total():>9,}  examples of {len(counts)} properties, all held")  # noqa: T201


if __name__ == "__main__":
    main()
