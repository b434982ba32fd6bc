"""Clients on a real database."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import (
    RegisteredClient,
    UnknownClient,
    delete_client,
    disable_client,
    enable_client,
    list_clients,
    register_client,
    show_client,
)
from control_plane.clients.rules import InvalidClientMetadata, NewClient
from control_plane.publishing.snapshots import UnknownTenant
from shared.domain.ids import ClientId, TenantId
from shared.domain.secret_digest import digest_secret
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_THINGS, _OTHERS = "https://things.example", "https://others.example"
_NOBODY = TenantId("aaaaaaaaaaaaa")

Peppers = tuple[Key, ...]


@pytest.fixture
async def stocked(database: Database, sealer: Sealer, acme: TenantId) -> TenantId:
    """A tenant with two APIs."""
    for identifier, scopes in ((_THINGS, ("read", "write")), (_OTHERS, ("admin",))):
        new = NewApi(
            identifier=identifier,
            name="A",
            scopes=dict.fromkeys(scopes, ""),
            token_lifetime=60,
        )
        await create_api(database, sealer, acme, new)
    return acme


@pytest.fixture
async def client(database: Database, peppers: Peppers, stocked: TenantId) -> RegisteredClient:
    return await register_client(
        database, peppers, stocked, NewClient(name="first", apis=(_THINGS,))
    )


async def rows(database: Database, tenant: TenantId, query: str) -> list[Any]:
    async with database.tenant(tenant) as connection:
        await connection.execute(text(f'SET LOCAL search_path = "t_{tenant}", ledger'))
        return list((await connection.execute(text(query))).all())


async def test_a_client_is_shown_as_it_was_registered(
    database: Database, peppers: Peppers, stocked: TenantId
) -> None:
    new = NewClient(
        name="Ünïcode",
        apis=(_OTHERS, _THINGS),
        scopes=frozenset({"read", "admin"}),
        serves=(_THINGS,),
    )
    made = await register_client(database, peppers, stocked, new)
    shown = await show_client(database, stocked, made.client_id)
    assert (shown.client.name, shown.client.enabled) == ("Ünïcode", True)
    assert (shown.client.default_api, shown.client.serves) == (_OTHERS, [_THINGS])
    assert shown.grants == {_OTHERS: ["admin"], _THINGS: ["read"]}
    (first,) = shown.secrets
    assert first.last_four == made.client_secret[-4:]
    assert (first.name, first.created_by, first.expires_at) == ("first", "operator", None)


async def test_only_the_digest_of_a_secret_rests(
    database: Database, stocked: TenantId, client: RegisteredClient, peppers: Peppers
) -> None:
    (held,) = await rows(database, stocked, "SELECT * FROM client_secret")
    assert held.digest == digest_secret(client.client_secret, peppers[0].octets)
    assert client.client_secret not in str(held)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"apis": ("https://no.example",)}, id="unknown-api"),
        pytest.param({"serves": ("https://no.example",)}, id="unknown-serves"),
        pytest.param({"scopes": frozenset({"nope"})}, id="unknown-scope"),
        pytest.param({"name": ""}, id="bad-name"),
    ],
)
async def test_a_refused_registration_leaves_nothing(
    database: Database, peppers: Peppers, stocked: TenantId, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidClientMetadata):
        await register_client(
            database, peppers, stocked, NewClient(**({"name": "a", "apis": (_THINGS,)} | changes))
        )
    assert await rows(database, stocked, "SELECT client_id FROM client") == []


async def test_disabling_revokes_what_was_issued_and_enabling_revives_nothing(
    database: Database, stocked: TenantId, client: RegisteredClient
) -> None:
    await disable_client(database, stocked, client.client_id)
    assert not (await show_client(database, stocked, client.client_id)).client.enabled
    before = await rows(database, stocked, "SELECT * FROM revocation")
    await enable_client(database, stocked, client.client_id)
    assert (await show_client(database, stocked, client.client_id)).client.enabled
    assert await rows(database, stocked, "SELECT * FROM revocation") == before
    (mark,) = before
    assert (mark.kind, mark.subject) == ("client", client.client_id)
    assert mark.expires_at - mark.not_before == timedelta(days=1)  # the longest token's life


async def test_disabling_again_moves_the_mark_forward(
    database: Database, stocked: TenantId, client: RegisteredClient
) -> None:
    await disable_client(database, stocked, client.client_id)
    (first,) = await rows(database, stocked, "SELECT * FROM revocation")
    await disable_client(database, stocked, client.client_id)
    (second,) = await rows(database, stocked, "SELECT * FROM revocation")
    assert second.not_before > first.not_before


async def test_a_deleted_client_is_gone_with_its_secrets_and_grants_but_not_its_mark(
    database: Database, stocked: TenantId, client: RegisteredClient
) -> None:
    await delete_client(database, stocked, client.client_id)
    with pytest.raises(UnknownClient):
        await show_client(database, stocked, client.client_id)
    for table in ("client", "client_secret", "client_grant"):
        assert await rows(database, stocked, f"SELECT * FROM {table}") == []  # noqa: S608 - ours
    (mark,) = await rows(database, stocked, "SELECT * FROM revocation")
    assert mark.subject == client.client_id


@pytest.mark.parametrize(
    ("tenant", "error"),
    [
        pytest.param(None, UnknownClient, id="client"),
        pytest.param(_NOBODY, UnknownTenant, id="tenant"),
    ],
)
async def test_what_is_not_there_cannot_be_changed(
    database: Database,
    stocked: TenantId,
    tenant: TenantId | None,
    error: type[Exception],
) -> None:
    asked, client_id = tenant or stocked, ClientId("c_nobody")
    for attempt in (
        disable_client(database, asked, client_id),
        enable_client(database, asked, client_id),
        delete_client(database, asked, client_id),
    ):
        with pytest.raises(error):
            await attempt
    assert await rows(database, stocked, "SELECT * FROM revocation") == []


async def test_clients_are_listed_a_page_at_a_time(
    database: Database, peppers: Peppers, stocked: TenantId
) -> None:
    new = NewClient(name="one of many", apis=(_THINGS,))
    made = {(await register_client(database, peppers, stocked, new)).client_id for _ in range(5)}
    found: list[ClientId] = []
    while page := await list_clients(
        database, stocked, after=found[-1] if found else ClientId(""), limit=2
    ):
        assert len(page) <= 2
        found += [each.client_id for each in page]
    assert found == sorted(found)
    assert set(found) == made
