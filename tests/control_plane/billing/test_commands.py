"""`auth-service stripe`: what it says and does, beside the double."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from control_plane.cli.main import main
from shared.domain.plan import PlanName
from tests.control_plane.billing.shop import Shop
from tests.support import Installation

Run = Callable[..., Any]


@pytest.fixture
def run(shop: Shop, billed_installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in billed_installation.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STRIPE_API_KEY", shop.double.key)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", shop.double.secret)
    monkeypatch.setenv("STRIPE_API_BASE", shop.double.url)

    def invoke(*words: str) -> Any:
        # a loop of its own runs in it: the caller gives it a thread
        return CliRunner().invoke(main, ["stripe", *words, "--json"])

    return invoke


async def test_they_sync_compare_and_fetch(shop: Shop, run: Run) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    synced = await asyncio.to_thread(run, "sync")
    assert {each["outcome"] for each in json.loads(synced.stdout)} == {"left"}
    compared = json.loads((await asyncio.to_thread(run, "reconcile")).stdout)
    assert account in compared["different"]
    assert await shop.plan_of(account) is PlanName.GROWTH
    fetched = json.loads((await asyncio.to_thread(run, "fetch-missing")).stdout)
    assert fetched["missing"] > 0
    again = json.loads((await asyncio.to_thread(run, "fetch-missing")).stdout)
    assert again == {"missing": 0}


async def test_without_a_key_they_say_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_API_KEY")
    refused = await asyncio.to_thread(run, "sync")
    assert refused.exit_code == 1
    assert "STRIPE_API_KEY is not set" in refused.output
