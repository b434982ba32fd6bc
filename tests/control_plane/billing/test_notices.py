"""What people are written about billing: each thing once, to those who look after it."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from control_plane.billing.letters import due_of
from control_plane.billing.notices import tell_of, tell_thresholds
from control_plane.billing.rules import GRACE, Subscription
from control_plane.billing.seen import Status
from control_plane.members.rules import Role
from shared.domain.plan import Interval, PlanName
from shared.runtime.database import Database
from tests.control_plane.billing.accounts import add_person_to, make_customer, subjects_to
from tests.control_plane.console import make_account
from tests.support import Installation

_NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
_URL = "https://console.test"


def subscription(account: str, status: Status) -> Subscription:
    return Subscription(
        id=f"sub_{account}",
        account_id=account,
        status=status,
        plan=PlanName.GROWTH,
        interval=Interval.MONTHLY,
        created_at=_NOW,
        period_start=_NOW,
        period_end=_NOW + timedelta(days=30),
        cancel_at_period_end=False,
        trial_end=_NOW + timedelta(days=14),
        past_due_since=_NOW if status is Status.PAST_DUE else None,
    )


@pytest.mark.parametrize(
    ("status", "days", "kinds"),
    [
        (Status.ACTIVE, 0, []),
        (Status.TRIALING, 0, []),
        (Status.TRIALING, 11, ["trial"]),
        (Status.PAST_DUE, 0, ["payment"]),
        (Status.PAST_DUE, 11, ["payment", "grace"]),
        (Status.PAST_DUE, 14, ["payment", "over"]),
        (Status.CANCELED, 20, []),
    ],
)
def test_each_day_has_its_letters(status: Status, days: int, kinds: list[str]) -> None:
    due = due_of(subscription("a", status), _NOW + timedelta(days=days))
    assert [about.split()[0] for about, _ in due] == kinds
    assert timedelta(days=14) == GRACE


async def test_a_payment_that_failed_is_written_about_once_to_who_looks_after_it(
    billed: Database,
) -> None:
    account = await make_customer(billed, PlanName.GROWTH)
    written_to = [await add_person_to(billed, account, role) for role in (Role.OWNER, Role.BILLING)]
    others = [
        await add_person_to(billed, account, role)
        for role in Role
        if role not in {Role.OWNER, Role.BILLING}
    ]
    due = subscription(account, Status.PAST_DUE)
    for later in (0, 0, 1, 12, 12, 14):
        async with billed.control() as connection:
            await tell_of(connection, due, _URL, _NOW + timedelta(days=later))
    expected = [
        "A payment has failed",
        "Your plan ends soon: an invoice is open",
        "Your account has the limits of Sandbox",
    ]
    assert [await subjects_to(billed, each) for each in written_to] == [expected] * 2
    assert [await subjects_to(billed, each) for each in others] == [[]] * 3


async def test_each_threshold_of_the_month_is_written_about_once(
    billed: Database, billed_installation: Installation
) -> None:
    account = await make_account(billed)  # of no customer: Sandbox has a quota too
    owner = await add_person_to(billed, account, Role.OWNER)
    data = await asyncpg.connect(billed_installation.data_url)
    try:
        for month, percent in (("2026-10", 100), ("2026-11", 60), ("2026-11", 80)):
            await data.execute(
                "INSERT INTO ledger.quota_threshold VALUES ($1, $2, $3)", account, month, percent
            )
    finally:
        await data.close()
    assert await tell_thresholds(billed, _URL, _NOW) >= 2
    await tell_thresholds(billed, _URL, _NOW)
    assert await subjects_to(billed, owner) == [
        "You have used 60 % of this month's tokens",
        "You have used 80 % of this month's tokens",
    ]
