"""Changes are recorded with them, chained whoever else writes; what is done to rows is found."""

import asyncio
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import asyncpg
import msgspec
import pytest

from control_plane.accounts.actions import create_account, set_plan
from control_plane.apis.actions import change_api, create_api, delete_api
from control_plane.apis.rules import ApiChange, NewApi
from control_plane.audit.actions import list_events, record_of_account, verify
from control_plane.audit.repository import Sought
from control_plane.audit.rules import (
    ACCOUNT,
    BY_OPERATOR,
    TENANT,
    Actor,
    ActorKind,
    Broken,
    Chain,
    Damage,
    Event,
    Head,
    Noted,
    Verification,
    chained,
    head_after,
)
from control_plane.clients.actions import change_client, disable_client, register_client
from control_plane.clients.rules import ClientChange, NewClient
from control_plane.keys.actions import KeyKeeper
from control_plane.secrets.actions import add_secret, revoke_secret
from control_plane.secrets.rules import AskedSecret
from control_plane.tenants.actions import NewTenant, create_tenant, suspend_tenant
from control_plane.tenants.deletion import delete_tenant
from shared.domain.ids import TenantId, schema_of
from shared.domain.plan import PlanName
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.support import AUDIT_KEYS, Installation, new_slug

API = NewApi(identifier="https://api.example", name="x", scopes={"read": ""}, token_lifetime=600)
ADA = Actor(
    kind=ActorKind.PERSON,
    id="p_1",
    email="ada@example.org",
    address="192.0.2.1",
    request_id="r_1",
)
EVENTS = 2_000


async def events_of(database: Database, chain: Chain) -> list[Event]:
    return (await list_events(database, chain, Sought(), before=2**62, limit=1000))[::-1]


async def test_each_change_of_a_tenant_is_an_event_that_says_who_and_what(
    database: Database, sealer: Sealer, peppers: tuple[Key, ...], acme: TenantId
) -> None:
    await create_api(database, sealer, acme, API, ADA)
    new = NewClient(name="worker", apis=(API.identifier,))
    made = await register_client(database, peppers, acme, new, by=ADA)
    await change_client(database, acme, made.client_id, ClientChange(name="other"), by=ADA)
    asked = AskedSecret(name="second")
    secret = await add_secret(database, peppers, acme, made.client_id, asked, ADA)
    await revoke_secret(database, acme, made.client_id, "second", by=ADA)
    await disable_client(database, acme, made.client_id, ADA)
    await change_api(database, sealer, acme, API.identifier, ApiChange(token_lifetime=900))
    await KeyKeeper(database, sealer, lambda: datetime.now(UTC)).rotate(acme, ADA)

    found = await events_of(database, Chain(TENANT, acme))
    assert [each.action for each in found[:8]] == [
        "tenant.create",
        "api.create",
        "client.register",
        "client.change",
        "secret.add",
        "secret.revoke",
        "client.disable",
        "api.change",
    ]
    assert {each.action for each in found[8:]} == {"key.make_next"}
    changed = found[3]
    assert (changed.before, changed.after) == ('{"name":"worker"}', '{"name":"other"}')
    assert changed.target == f"client {made.client_id}"
    assert (changed.who, changed.address, changed.request_id) == (ADA.email, "192.0.2.1", "r_1")
    assert (found[7].actor_kind, found[7].before) == ("operator", '{"token_lifetime":600}')
    whole = repr(found)
    assert made.client_secret not in whole
    assert secret.client_secret not in whole
    assert (await verify(database, AUDIT_KEYS, Chain(TENANT, acme))).broken is None


async def test_what_is_refused_is_no_event(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    before = await events_of(database, Chain(TENANT, acme))
    for _ in range(2):
        with pytest.raises(Exception, match="there is no API"):
            await delete_api(database, acme, "https://absent.example", ADA)
    await create_api(database, sealer, acme, API)
    with pytest.raises(Exception, match="already"):
        await create_api(database, sealer, acme, API)
    assert len(await events_of(database, Chain(TENANT, acme))) == len(before) + 1


async def test_a_tenants_life_is_told_in_the_accounts_log_and_outlives_it(
    database: Database,
    sealer: Sealer,
    quick_keys: None,  # noqa: ARG001 - it acts by being there
) -> None:
    account, slug = await create_account(database, "Acme", ADA), new_slug()
    await set_plan(database, account, PlanName.STARTER)
    await create_tenant(database, sealer, NewTenant(slug=slug, name="A", account=account), by=ADA)
    await suspend_tenant(database, slug, ADA)
    await delete_tenant(database, slug, ADA)
    found = await events_of(database, Chain(ACCOUNT, account))
    assert [(each.action, each.who) for each in found] == [
        ("account.create", ADA.email),
        ("account.change_limits", "operator"),
        ("tenant.create", ADA.email),
        ("tenant.set_status", ADA.email),
        ("tenant.delete", ADA.email),
    ]
    assert found[1].after == '{"plan":"starter"}'
    assert (await verify(database, AUDIT_KEYS, Chain(ACCOUNT, account))).events == 5


async def test_concurrent_writers_keep_the_chains_whole(
    database: Database, sealer: Sealer, peppers: tuple[Key, ...], acme: TenantId
) -> None:
    account = await create_account(database, "Acme")
    await create_api(database, sealer, acme, API)
    new = NewClient(name="worker", apis=(API.identifier,))

    async def note(number: int) -> None:
        async with database.control() as connection:
            await record_of_account(connection, account, ADA, Noted("x.y", str(number)))

    await asyncio.gather(
        *(note(number) for number in range(30)),
        *(register_client(database, peppers, acme, new) for _ in range(10)),
        *(set_plan(database, account, plan) for plan in list(PlanName)[:3]),
    )
    for chain, events in ((Chain(ACCOUNT, account), 34), (Chain(TENANT, acme), 12)):
        assert await verify(database, AUDIT_KEYS, chain) == Verification(events=events, broken=None)


TAMPERED = [
    pytest.param(
        "UPDATE control.account_event SET target = 'x' WHERE account_id = $1 AND seq = 1000",
        Broken(seq=1000, damage=Damage.EDITED),
        id="edited",
    ),
    pytest.param(
        "DELETE FROM control.account_event WHERE account_id = $1 AND seq = 1000",
        Broken(seq=1000, damage=Damage.DELETED),
        id="deleted",
    ),
    pytest.param(
        "UPDATE control.account_event SET seq = CASE seq WHEN 1000 THEN -1500 ELSE -1000 END"
        " WHERE account_id = $1 AND seq IN (1000, 1500)",
        Broken(seq=1000, damage=Damage.SWAPPED, other=1500),
        id="swapped",
    ),
    pytest.param(
        "DELETE FROM control.account_event WHERE account_id = $1 AND seq > 1990",
        Broken(seq=1991, damage=Damage.TRUNCATED),
        id="truncated",
    ),
    pytest.param(
        "UPDATE control.account_event SET at = at - interval '1 day'"
        " WHERE account_id = $1 AND seq = 1000",
        Broken(seq=1000, damage=Damage.BACK_DATED),
        id="back-dated",
    ),
]


@pytest.mark.parametrize(("statement", "expected"), TAMPERED)
async def test_a_tampered_row_among_2000_is_found_with_its_place(
    installation: Installation, database: Database, statement: str, expected: Broken
) -> None:
    account = f"a_{token_hex(8)}"
    chain = Chain(ACCOUNT, account)
    owner: Any = await asyncpg.connect(installation.owner_url)
    await fill(owner, chain)
    assert await verify(database, AUDIT_KEYS, chain) == Verification(events=EVENTS, broken=None)
    await owner.execute(statement, account)
    await owner.execute(
        "UPDATE control.account_event SET seq = -seq WHERE account_id = $1 AND seq < 0", account
    )
    await owner.close()
    found = await verify(database, AUDIT_KEYS, chain)
    assert found == Verification(events=expected.seq - 1, broken=expected)


async def fill(owner: Any, chain: Chain) -> None:
    head: Head | None = None
    rows = []
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(EVENTS):
        noted, now = Noted("x.y", str(number)), start + timedelta(minutes=number)
        event = chained(chain, AUDIT_KEYS[0], head, by=BY_OPERATOR, noted=noted, now=now)
        head = head_after(chain, AUDIT_KEYS[0], event)
        rows.append((chain.id, *msgspec.structs.asdict(event).values()))
    assert head is not None
    names = ", ".join(("account_id", *Event.__struct_fields__))
    await owner.copy_records_to_table(
        "account_event", schema_name="control", records=rows, columns=names.split(", ")
    )
    await owner.execute(
        "INSERT INTO control.audit_head (chain, seq, at, digest, signature, key_id)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        chain.name,
        *msgspec.structs.astuple(head),
    )


async def test_a_cut_off_tail_is_not_hidden_by_what_is_recorded_later(
    installation: Installation, database: Database
) -> None:
    account = await create_account(database, "Acme")
    chain = Chain(ACCOUNT, account)
    for plan in (PlanName.STARTER, PlanName.GROWTH):
        await set_plan(database, account, plan)
    owner: Any = await asyncpg.connect(installation.owner_url)
    await owner.execute(
        "DELETE FROM control.account_event WHERE account_id = $1 AND seq = 3", account
    )
    await set_plan(database, account, PlanName.SCALE)
    assert (await verify(database, AUDIT_KEYS, chain)).broken == Broken(
        seq=3, damage=Damage.DELETED
    )
    # and with the head set back to before, but for its signature
    await owner.execute(
        "DELETE FROM control.account_event WHERE account_id = $1 AND seq = 4", account
    )
    await owner.execute(
        "UPDATE control.audit_head SET seq = 2, digest = (SELECT digest FROM control.account_event"
        " WHERE account_id = $1 AND seq = 2) WHERE chain = $2",
        account,
        chain.name,
    )
    await owner.close()
    await set_plan(database, account, PlanName.BUSINESS)
    assert (await verify(database, AUDIT_KEYS, chain)).broken == Broken(seq=3, damage=Damage.HEAD)


async def test_no_login_may_change_what_is_recorded(
    installation: Installation, database: Database, acme: TenantId
) -> None:
    await create_account(database, "Acme")
    own = f'"{schema_of(acme)}".audit_event'
    tables = (own, "control.account_event")
    statements = [
        *(f"UPDATE {table} SET target = 'x'" for table in tables),  # noqa: S608 - our own names
        *(f"DELETE FROM {table}" for table in tables),  # noqa: S608 - our own names
        *(f"TRUNCATE {table}" for table in tables),
        "DELETE FROM control.audit_head",
        "TRUNCATE control.audit_head",
    ]
    for url in (installation.control_url, installation.data_url):
        login: Any = await asyncpg.connect(url)
        for role in ("NONE", f'"r_{acme}"'):
            await login.execute(f"SET ROLE {role}")
            for statement in statements:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await login.execute(statement)
        await login.close()
    async with database.tenant(acme) as connection:
        await connection.exec_driver_sql(f"SELECT FROM {own}")
    assert (await verify(database, AUDIT_KEYS, Chain(TENANT, acme))).broken is None
