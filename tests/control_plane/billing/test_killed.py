"""kill -9 between the storing of an event and its effect: the effect comes once, after a restart.

The process that dies is a real one, `serve jobs`, in the middle of asking Stripe (J9).
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.domain.plan import PlanName
from tests.control_plane.billing.shop import Shop
from tests.stripe_double.faults import Fault
from tests.support import Installation

_PATIENCE = 60.0  # seconds


def start_jobs(installation: Installation, shop: Shop, log: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        **installation.environment(),
        "STRIPE_API_KEY": shop.double.key,
        "STRIPE_WEBHOOK_SECRET": shop.double.secret,
        "STRIPE_API_BASE": shop.double.url,
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "control_plane.cli.main", "serve", "jobs"]
    with log.open("ab") as file:
        return subprocess.Popen(command, env=environment, stderr=file)


def until_asked(shop: Shop) -> None:
    """Wait until Stripe has been asked for the customer's subscriptions."""
    end = time.monotonic() + _PATIENCE
    while ("GET", "/v1/subscriptions") not in shop.double.calls:
        assert time.monotonic() < end, "nobody asked"
        time.sleep(0.05)


async def until_taken(shop: Shop, events: set[str]) -> None:
    end = time.monotonic() + _PATIENCE
    while events & set(await shop.waiting()):
        assert time.monotonic() < end, "the events were not taken"
        time.sleep(0.1)


@pytest.mark.timeout(200)
async def test_the_effect_comes_once_after_a_restart(
    shop: Shop, billed_installation: Installation, tmp_path: Path
) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    events = [await shop.deliver(each) for each in shop.double.deliveries.pending()]
    shop.double.faults.add(Fault(seconds=30, path="/v1/subscriptions", times=None))
    first = start_jobs(billed_installation, shop, tmp_path / "log")
    try:
        until_asked(shop)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert await shop.plan_of(account) is PlanName.SANDBOX
    shop.double.faults.clear()
    async with shop.database.control() as connection:  # the dead worker's last sign is long ago
        await connection.execute(
            text("UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        )
    second = start_jobs(billed_installation, shop, tmp_path / "log")
    try:
        await until_taken(shop, set(events))
    finally:
        second.terminate()
        second.wait(_PATIENCE)
    assert await shop.plan_of(account) is PlanName.GROWTH
    assert await shop.in_books(account) == await shop.at_stripe(account)
