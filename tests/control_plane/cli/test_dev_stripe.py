"""The double of Stripe that `auth-service dev` runs: plans are sold, the console hears of it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.cli import stripe_double
from control_plane.cli.settings import read_kept
from control_plane.cli.stripe_double import double_settings
from shared.domain.plan import PAID
from tests.control_plane.cli.conftest import Serving
from tests.control_plane.cli.development import until

_PRICES_OF_A_PLAN = 3  # by the month, by the year, over it


def listed(base: str, what: str) -> list[Any]:
    key = {"authorization": "Bearer sk_test_of_the_double"}
    answer = httpx.get(f"{base}/v1/{what}", headers=key)
    return list(answer.json()["data"])


def test_plans_are_for_sale_and_the_console_takes_the_events(serving: Serving) -> None:
    base = read_kept(serving.data_dir)["STRIPE_API_BASE"]
    until(lambda: answers(base))
    until(lambda: len(listed(base, "prices?limit=100")) == len(PAID) * _PRICES_OF_A_PLAN)
    until(lambda: listed(base, "events?delivery_success=false") == [])


def answers(base: str) -> bool:
    try:
        return httpx.get(base).is_success
    except httpx.TransportError:
        return False


def test_the_double_has_the_address_it_had() -> None:
    first = double_settings({}, {}, "127.0.0.1", [])
    again = double_settings({}, first, "127.0.0.1", [])
    assert again["STRIPE_API_BASE"] == first["STRIPE_API_BASE"]


def test_who_names_a_stripe_gets_no_double() -> None:
    assert double_settings({"STRIPE_API_KEY": "sk_test_mine"}, {}, "127.0.0.1", []) == {}


def test_where_no_tests_are_there_is_no_double(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_double, "_ROOT", tmp_path)
    assert double_settings({}, {}, "127.0.0.1", []) == {}
