"""What is typed as the cap of an overage."""

import pytest

from control_plane.billing.forms import overage_cap, typed_overage
from shared.domain.limits import InvalidLimit


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("50", 50_00), ("$50", 50_00), (" 49.90 ", 49_90), ("1,000", 1_000_00), ("0.05", 5)],
)
def test_a_cap_is_read_as_dollars(typed: str, cents: int) -> None:
    assert overage_cap({"overage": "on", "cap": typed}) == cents


@pytest.mark.parametrize("typed", ["", "0", "0.00", "-5", "fifty", "1e3", "5.5", "\u0665", "9" * 9])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(InvalidLimit):
        overage_cap({"overage": "on", "cap": typed})


@pytest.mark.parametrize("cap", [None, 5, 50_00, 49_90, 1_234_50])
def test_what_is_held_is_read_as_it_was(cap: int | None) -> None:
    assert overage_cap(typed_overage(cap)) == cap


def test_turned_off_it_has_no_cap() -> None:
    assert overage_cap({"overage": "off", "cap": "50"}) is None
    assert overage_cap({}) is None
