"""Old events go by the plan, and what is left verifies; young and tampered ones do not go."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select

from control_plane.accounts.actions import set_plan
from control_plane.accounts.repository import add_account
from control_plane.audit import repository
from control_plane.audit.actions import (
    ChainBroken,
    forget_old,
    list_events,
    new_anchors,
    record_of_account,
    verify,
)
from control_plane.audit.repository import Sought
from control_plane.audit.rules import (
    ACCOUNT,
    BY_OPERATOR,
    TENANT,
    Anchor,
    Chain,
    Damage,
    Noted,
    chained,
    head_after,
)
from control_plane.jobs.audit_log import forget_all_old
from shared.domain.ids import TenantId, schema_of
from shared.domain.plan import PlanName
from shared.runtime.database import Database, name_schema
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.control_plane.console import make_account
from tests.support import AUDIT_KEYS, Installation, opened

OLD = 5  # events, that are of some days ago


@pytest.fixture(scope="module")
def apart(postgres: EmbeddedPostgres) -> Installation:
    """A database of its own: in another, all tests' accounts would be gone through."""
    return new_installation(postgres.url)


@pytest.fixture
async def database(apart: Installation) -> AsyncIterator[Database]:
    async with opened(apart.control_url) as database:
        yield database


async def add_old(database: Database, chain: Chain, days: int, events: int = OLD) -> None:
    """Add events of so many days ago, at the chain's beginning."""
    began = datetime.now(UTC) - timedelta(days=days)
    async with database.control() as connection:
        if chain.kind == TENANT:
            await name_schema(connection, TenantId(chain.id))
        head = await repository.find_head(connection, chain)
        for number in range(events):
            noted = Noted("client.change", f"client c_{number}")
            at = began + timedelta(minutes=number)
            event = chained(chain, AUDIT_KEYS[0], head, by=BY_OPERATOR, noted=noted, now=at)
            await repository.add_event(connection, chain, event)
            head = head_after(chain, AUDIT_KEYS[0], event)
            await repository.set_head(connection, chain, head)


async def add_now(database: Database, account: str) -> None:
    async with database.control() as connection:
        await record_of_account(connection, account, BY_OPERATOR, Noted("account.change", "now"))


async def bare_chain(database: Database, days: int) -> Chain:
    """Give a chain of an account of old events and one of now; nobody has the account."""
    chain = Chain(ACCOUNT, f"a_bare_{await _number(database)}")
    await add_old(database, chain, days)
    await add_now(database, chain.id)
    return chain


async def _number(database: Database) -> str:
    async with database.control() as connection:
        return str(await connection.scalar(select(func.gen_random_uuid())))


async def _seqs(database: Database, chain: Chain) -> list[int]:
    found = await list_events(database, chain, Sought(), before=2**62, limit=100)
    return [each.seq for each in found][::-1]


async def test_what_is_old_goes_and_the_rest_verifies(database: Database) -> None:
    chain = await bare_chain(database, days=10)
    before = datetime.now(UTC) - timedelta(days=3)
    assert await forget_old(database, AUDIT_KEYS, chain, before) == OLD
    assert await _seqs(database, chain) == [OLD + 1]
    found = await verify(database, AUDIT_KEYS, chain)
    assert (found.events, found.forgotten, found.broken) == (1, OLD, None)
    assert await forget_old(database, AUDIT_KEYS, chain, before) == 0
    await add_now(database, chain.id)
    found = await verify(database, AUDIT_KEYS, chain)
    assert (found.events, found.forgotten, found.broken) == (2, OLD, None)


async def test_a_chain_of_which_nothing_is_left_goes_on(database: Database) -> None:
    chain = Chain(ACCOUNT, f"a_bare_{await _number(database)}")
    await add_old(database, chain, days=10)
    await forget_old(database, AUDIT_KEYS, chain, datetime.now(UTC) - timedelta(days=3))
    assert (await verify(database, AUDIT_KEYS, chain)).events == 0
    await add_now(database, chain.id)
    found = await verify(database, AUDIT_KEYS, chain)
    assert (found.events, found.forgotten, found.broken) == (1, OLD, None)


async def test_a_tenants_log_goes_by_the_same_rule(
    database: Database, apart: Installation, acme: TenantId
) -> None:
    chain = Chain(TENANT, acme)
    owner: Any = await asyncpg.connect(apart.owner_url)  # so that its first event is old
    await owner.execute(f'TRUNCATE "{schema_of(acme)}".audit_event')
    await owner.execute("DELETE FROM control.audit_head WHERE chain = $1", chain.name)
    await owner.close()
    await add_old(database, chain, days=10)
    await add_old(database, chain, days=0, events=1)
    before = datetime.now(UTC) - timedelta(days=3)
    assert await forget_old(database, AUDIT_KEYS, chain, before) == OLD
    assert await _seqs(database, chain) == [OLD + 1]
    found = await verify(database, AUDIT_KEYS, chain)
    assert (found.events, found.forgotten, found.broken) == (1, OLD, None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE control.account_event SET target = 'x' WHERE account_id = $1 AND seq = 2",
        "DELETE FROM control.account_event WHERE account_id = $1 AND seq = 2",
        "UPDATE control.account_event SET at = '2020-01-01' WHERE account_id = $1 AND seq = 2",
    ],
    ids=["edited", "deleted", "back-dated"],
)
async def test_what_was_tampered_with_is_kept_as_it_is(
    database: Database, apart: Installation, statement: str
) -> None:
    chain = await bare_chain(database, days=10)
    owner: Any = await asyncpg.connect(apart.owner_url)
    await owner.execute(statement, chain.id)
    await owner.close()
    held = await _seqs(database, chain)
    with pytest.raises(ChainBroken):
        await forget_old(database, AUDIT_KEYS, chain, datetime.now(UTC) - timedelta(days=3))
    assert await _seqs(database, chain) == held
    broken = (await verify(database, AUDIT_KEYS, chain)).broken
    assert broken is not None
    assert broken.seq == 2


async def test_deleting_below_the_floor_of_one_chain_shows_in_it(
    database: Database, apart: Installation
) -> None:
    """The database's function takes old events away for whoever asks; without a floor it shows."""
    chain = await bare_chain(database, days=10)
    login: Any = await asyncpg.connect(apart.control_url)
    forgotten = await login.fetchval("SELECT control.forget_events($1, $2, 3)", "account", chain.id)
    assert forgotten == 3
    again = await login.fetchval("SELECT control.forget_events($1, $2, 99)", "account", chain.id)
    assert again == 2, "the event of now stays"
    with pytest.raises(asyncpg.RaiseError):
        await login.fetchval("SELECT control.forget_events('tenant', 'x; DROP', 1)")
    await login.close()
    broken = (await verify(database, AUDIT_KEYS, chain)).broken
    assert broken is not None
    assert (broken.seq, broken.damage) == (1, Damage.DELETED)


async def test_nobody_but_the_function_takes_a_tenants_events_away(
    database: Database, apart: Installation, acme: TenantId
) -> None:
    async with database.control() as connection:
        await repository.forget_until(connection, Chain(TENANT, acme), 99)
    for url in (apart.control_url, apart.data_url):
        login: Any = await asyncpg.connect(url)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.execute(f'DELETE FROM "{schema_of(acme)}".audit_event')  # noqa: S608 - our own id
        await login.close()
    data: Any = await asyncpg.connect(apart.data_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await data.fetchval("SELECT control.forget_events('account', 'x', 1)")
    await data.close()


@pytest.mark.parametrize(("plan", "left"), [(PlanName.STARTER, 7), (PlanName.SANDBOX, 1)])
async def test_each_account_keeps_what_its_plan_does(
    database: Database, plan: PlanName, left: int
) -> None:
    account = f"a_{(await _number(database))[:16]}"
    chain = Chain(ACCOUNT, account)
    async with database.control() as connection:  # so that its first event is an old one
        await add_account(connection, account, "Old")
    await add_old(database, chain, days=10)
    if plan is not PlanName.SANDBOX:
        await set_plan(database, account, plan)
    await add_now(database, account)
    await forget_all_old(database, AUDIT_KEYS, datetime.now(UTC))
    assert len(await _seqs(database, chain)) == left
    assert (await verify(database, AUDIT_KEYS, chain)).broken is None


async def test_one_broken_chain_holds_up_no_other(
    database: Database, apart: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    account = await make_account(database)
    owner: Any = await asyncpg.connect(apart.owner_url)
    await owner.execute(
        "UPDATE control.account_event SET target = 'x', at = now() - interval '9 days'"
        " WHERE account_id = $1",
        account,
    )
    await owner.close()
    with caplog.at_level(logging.ERROR, "control_plane"):
        await forget_all_old(database, AUDIT_KEYS, datetime.now(UTC))
    assert f"account:{account}" in str([vars(each).get("fields") for each in caplog.records])


async def test_an_anchor_is_written_once_for_each_move_of_a_head(database: Database) -> None:
    chain = await bare_chain(database, days=1)
    written: list[Anchor] = []
    while await new_anchors(database, written.append):
        pass
    (own,) = [each for each in written if each.chain == chain.name]
    assert own.seq == OLD + 1
    found = await verify(database, AUDIT_KEYS, chain, written)
    assert (found.anchors, found.broken) == (1, None)
    written.clear()
    while await new_anchors(database, written.append):
        pass
    assert chain.name not in {each.chain for each in written}
    await add_now(database, chain.id)
    await new_anchors(database, written.append)
    assert OLD + 2 in {each.seq for each in written if each.chain == chain.name}


async def test_an_old_state_that_is_put_back_is_found_by_the_anchor(
    database: Database, apart: Installation
) -> None:
    chain = await bare_chain(database, days=1)
    written: list[Anchor] = []
    owner: Any = await asyncpg.connect(apart.owner_url)
    query = "SELECT seq, at, digest, signature FROM control.audit_head WHERE chain = $1"
    old = await owner.fetchrow(query, chain.name)
    await add_now(database, chain.id)
    while await new_anchors(database, written.append):
        pass
    await owner.execute(
        "DELETE FROM control.account_event WHERE account_id = $1 AND seq = 7", chain.id
    )
    await owner.execute(
        "UPDATE control.audit_head SET seq = $2, at = $3, digest = $4, signature = $5"
        " WHERE chain = $1",
        chain.name,
        *old,
    )
    await owner.close()
    assert (await verify(database, AUDIT_KEYS, chain)).broken is None
    broken = (await verify(database, AUDIT_KEYS, chain, written)).broken
    assert broken is not None
    assert (broken.seq, broken.damage) == (7, Damage.TRUNCATED)
