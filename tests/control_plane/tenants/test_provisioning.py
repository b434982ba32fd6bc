"""Provisioning is whole or absent, wherever it is cut (faults.md row 8)."""

import asyncio
import gc

import pytest

from control_plane.tenants import actions
from control_plane.tenants.actions import NewTenant, SlugTaken, create_tenant
from shared.domain.snapshot import SigningKey
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.between import Between, Fate
from tests.control_plane.tenants.leftovers import Connection, news, settle, state
from tests.support import Installation, new_slug, opened

pytestmark = pytest.mark.usefixtures("quick_keys")

_PATIENCE = 60.0  # seconds
_MOST_MESSAGES = 80  # provisioning sends some thirty


async def attempt(
    database: Database, sealer: Sealer, slug: str, link: Between, number: int, fate: Fate | None
) -> bool:
    """Provision, with something happening at a message (None: the task is cancelled there)."""
    async with database.control() as connection:  # the pool has a connection that works
        await connection.exec_driver_sql("SELECT 1")
    task = asyncio.create_task(create_tenant(database, sealer, NewTenant(slug=slug, name=slug)))

    def act() -> Fate:
        if fate is None:
            task.cancel()
        return fate or Fate.PASSES

    link.at_message(number, act)
    await asyncio.wait_for(asyncio.wait([task]), _PATIENCE)
    return not task.cancelled() and task.exception() is None


@pytest.mark.parametrize(
    "fate",
    [
        pytest.param(Fate.IS_LOST, id="8-connection-cut-before"),
        pytest.param(None, id="8-task-cancelled"),
    ],
)
async def test_provisioning_cut_at_any_message_leaves_nothing(
    own: Installation,
    owner: Connection,
    link: Between,
    sealer: Sealer,
    fate: Fate | None,
) -> None:
    slug, before, cuts = new_slug(), await state(owner), 0
    for number in range(1, _MOST_MESSAGES):
        async with opened(link.url) as database:
            done = await attempt(database, sealer, slug, link, number, fate)
        await settle(owner, own)
        if done or await state(owner) != before:
            break
        cuts += 1
    assert cuts >= 12
    if not done:  # a cancellation may come while the commit is under way
        assert fate is None
    (added,) = news(before, await state(owner))
    assert len(added) == 1


async def test_provisioning_whose_answer_is_lost_is_whole_or_absent(
    own: Installation,
    owner: Connection,
    link: Between,
    sealer: Sealer,
) -> None:
    wholes = 0
    for number in range(1, _MOST_MESSAGES):
        slug, before = new_slug(), await state(owner)
        async with opened(link.url) as database:
            done = await attempt(database, sealer, slug, link, number, Fate.ANSWER_IS_LOST)
        if not link.reached:
            break
        await settle(owner, own)
        (added,) = news(before, await state(owner))
        assert len(added) <= 1
        wholes += len(added) and not done
    assert wholes, "the answer to the commit was never lost"


_SPOILED = [
    pytest.param(
        "REVOKE INSERT ON control.tenant FROM {login}",
        "GRANT INSERT ON control.tenant TO {login}",
        id="8-row",
    ),
    pytest.param(
        "REVOKE EXECUTE ON FUNCTION control.create_tenant_role FROM {login}",
        "GRANT EXECUTE ON FUNCTION control.create_tenant_role TO {login}",
        id="8-role",
    ),
    pytest.param(
        "REVOKE CREATE ON DATABASE {database} FROM {login}",
        "GRANT CREATE ON DATABASE {database} TO {login}",
        id="8-schema",
    ),
    pytest.param(
        "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands()"
        "            WHERE object_identity LIKE '%.signing_key') THEN RAISE 'no'; END IF; END $$;"
        "CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse()",
        "DROP EVENT TRIGGER refuse; DROP FUNCTION refuse()",
        id="8-last-table",
    ),
    pytest.param(
        "REVOKE INSERT ON control.issuer_snapshot FROM {login}",
        "GRANT INSERT ON control.issuer_snapshot TO {login}",
        id="8-snapshot",
    ),
]


@pytest.mark.parametrize(("spoil", "mend"), _SPOILED)
async def test_a_database_that_refuses_a_step_is_left_as_it_was(
    own: Installation,
    owner: Connection,
    sealer: Sealer,
    spoil: str,
    mend: str,
) -> None:
    new = NewTenant(slug=new_slug(), name="Acme")
    database_name = own.owner_url.rpartition("/")[2]
    names = {"login": f"{database_name}_control", "database": database_name}
    before = await state(owner)
    async with opened(own.control_url) as database:
        await owner.execute(spoil.format(**names))
        try:
            outcome = await asyncio.gather(
                create_tenant(database, sealer, new), return_exceptions=True
            )
        finally:
            await owner.execute(mend.format(**names))
        assert isinstance(outcome[0], Exception)
        assert await state(owner) == before
        made = await create_tenant(database, sealer, new)
    assert news(before, await state(owner)) == {frozenset({made})}


@pytest.mark.parametrize("number", [4, 9, 14])
async def test_a_backend_that_is_terminated_leaves_nothing(
    own: Installation,
    owner: Connection,
    link: Between,
    sealer: Sealer,
    number: int,
) -> None:
    slug, before = new_slug(), await state(owner)
    killing: list[asyncio.Task[str]] = []
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'".format(  # noqa: S608 - our own login
        own.control_url.partition("//")[2].partition(":")[0]
    )

    def act() -> Fate:
        killing.append(asyncio.create_task(owner.execute(kill)))
        return Fate.ANSWER_IS_LOST

    async with opened(link.url) as database:
        async with database.control() as connection:
            await connection.exec_driver_sql("SELECT 1")
        link.at_message(number, act)
        outcome = await asyncio.gather(
            create_tenant(database, sealer, NewTenant(slug=slug, name=slug)), return_exceptions=True
        )
        assert isinstance(outcome[0], Exception)
        await killing[0]
        await settle(owner, own)
        assert await state(owner) == before
        await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))


@pytest.mark.parametrize("slug_is_taken", [False, True])
async def test_keys_that_cannot_be_made_leave_nothing(
    own: Installation,
    owner: Connection,
    sealer: Sealer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    slug_is_taken: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    def fail(*_: object) -> SigningKey:
        raise MemoryError

    new = NewTenant(slug=new_slug(), name="Acme")
    async with opened(own.control_url) as database:
        if slug_is_taken:
            await create_tenant(database, sealer, new)
        before = await state(owner)
        monkeypatch.setattr(actions, "make_signing_key", fail)
        with pytest.raises(SlugTaken if slug_is_taken else MemoryError):
            await create_tenant(database, sealer, new)
    gc.collect()  # a task whose error nobody read says so when it goes
    assert await state(owner) == before
    assert caplog.text == ""


async def test_of_many_who_want_a_slug_at_once_exactly_one_gets_it(
    own: Installation, owner: Connection, sealer: Sealer
) -> None:
    new, before = NewTenant(slug=new_slug(), name="Acme"), await state(owner)
    async with opened(own.control_url) as one, opened(own.control_url) as other:
        outcomes = await asyncio.gather(
            *(create_tenant(each, sealer, new) for each in (one, other) * 4),
            return_exceptions=True,
        )
    made = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(made) == 1
    assert sum(isinstance(outcome, SlugTaken) for outcome in outcomes) == 7
    assert news(before, await state(owner)) == {frozenset(made)}


async def test_many_tenants_at_once_are_all_whole(
    own: Installation, owner: Connection, sealer: Sealer
) -> None:
    before = await state(owner)
    slugs = [new_slug() for _ in range(12)]
    async with opened(own.control_url) as database:
        made = await asyncio.gather(
            *(create_tenant(database, sealer, NewTenant(slug=slug, name=slug)) for slug in slugs)
        )
    assert news(before, await state(owner)) == {frozenset(map(str, made))}
