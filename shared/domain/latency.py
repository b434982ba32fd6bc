"""How long token requests took, counted in steps: what the one plane counts, the other reads. Pure.

A step is an event of usage, so that it is written, rolled up and let go with the other counts.
"""

from collections.abc import Mapping
from itertools import accumulate

PREFIX = "latency:"  # of the events; then the step's end in milliseconds
STEPS_MS = (
    1,
    2,
    3,
    5,
    8,
    12,
    20,
    35,
    60,
    100,
    200,
    500,
    1000,
    10_000,
)  # the last is what is longer
ENDS = tuple(each / 1000 for each in STEPS_MS[:-1])  # seconds
EVENTS = tuple(f"{PREFIX}{each}" for each in STEPS_MS)


def percentile(counted: Mapping[str, int], percent: int) -> float | None:
    """Give the milliseconds within which so many percent of the requests were answered.

    Within a step the requests are taken to be spread evenly. None where nothing was counted.
    """
    counts = [counted.get(event, 0) for event in EVENTS]
    reached = list(accumulate(counts))
    rank = reached[-1] * percent / 100
    if not rank:
        return None
    step = next(place for place, so_far in enumerate(reached) if so_far >= rank)
    begin = STEPS_MS[step - 1] if step else 0
    share = (rank - (reached[step] - counts[step])) / counts[step]
    return begin + share * (STEPS_MS[step] - begin)
