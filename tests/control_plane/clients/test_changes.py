"""Changing clients, and clients that prove themselves by a key, on a real database."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import (
    RegisteredClient,
    UnknownClient,
    change_client,
    register_client,
    show_client,
)
from control_plane.clients.rules import ClientChange, ClientKeys, InvalidClientMetadata, NewClient
from shared.domain.client import AuthMethod, DpopUse
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId, TenantId
from shared.domain.refused import Refused
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from shared.runtime.tables.tenant import signing_key
from tests.assertions import new_key_pair

THINGS, OTHERS = "https://things.example", "https://others.example"
KEYS = ClientKeys(jwks=(new_key_pair("k1")[1],))
ELSEWHERE = ClientKeys(jwks_uri="https://client.example/jwks.json")

Peppers = tuple[Key, ...]


@pytest.fixture
async def stocked(database: Database, sealer: Sealer, acme: TenantId) -> TenantId:
    for identifier in (THINGS, OTHERS):
        scopes = {"read": "", "write": ""}
        new = NewApi(identifier=identifier, name="A", scopes=scopes, token_lifetime=60)
        await create_api(database, sealer, acme, new)
    return acme


async def register(
    database: Database, peppers: Peppers, tenant: TenantId, **metadata: Any
) -> RegisteredClient:
    new = NewClient(name="first", apis=(THINGS,), **metadata)
    return await register_client(database, peppers, tenant, new)


@pytest.mark.parametrize("keys", [KEYS, ELSEWHERE], ids=["inline", "uri"])
async def test_a_client_with_keys_has_no_secret(
    database: Database, peppers: Peppers, stocked: TenantId, keys: ClientKeys
) -> None:
    made = await register(
        database, peppers, stocked, auth_method=AuthMethod.PRIVATE_KEY_JWT, keys=keys
    )
    assert made.client_secret == ""
    found = await show_client(database, stocked, made.client_id)
    assert found.client.auth_method is AuthMethod.PRIVATE_KEY_JWT
    assert tuple(found.client.jwks or ()) == keys.jwks
    assert found.client.jwks_uri == keys.jwks_uri
    assert found.secrets == []


@pytest.mark.parametrize(
    ("method", "keys"),
    [
        (AuthMethod.PRIVATE_KEY_JWT, None),
        (AuthMethod.PRIVATE_KEY_JWT, ClientKeys()),
        (AuthMethod.PRIVATE_KEY_JWT, msgspec.structs.replace(KEYS, jwks_uri="https://c.example")),
        (AuthMethod.CLIENT_SECRET, KEYS),
        (AuthMethod.WORKLOAD_IDENTITY, ELSEWHERE),
    ],
)
async def test_keys_and_method_must_fit(
    database: Database,
    peppers: Peppers,
    stocked: TenantId,
    method: AuthMethod,
    keys: ClientKeys | None,
) -> None:
    with pytest.raises(InvalidClientMetadata):
        await register(database, peppers, stocked, auth_method=method, keys=keys)


@pytest.mark.parametrize("renamed", [False, True])
async def test_d14_the_issuers_own_key_is_no_clients(
    database: Database, peppers: Peppers, stocked: TenantId, *, renamed: bool
) -> None:
    async with database.tenant(stocked) as connection:
        own = await connection.scalar(
            select(signing_key.c.jwk).where(signing_key.c.algorithm == "ES256")
        )
    jwk = msgspec.convert(own, ClientJwk)
    keys = ClientKeys(jwks=(msgspec.structs.replace(jwk, kid="k1") if renamed else jwk,))
    with pytest.raises(InvalidClientMetadata, match="issuer's own"):
        await register(
            database, peppers, stocked, auth_method=AuthMethod.PRIVATE_KEY_JWT, keys=keys
        )


@pytest.mark.parametrize(
    "uri",
    ["http://client.example/jwks", "https://127.0.0.1/jwks", "https://u:p@c.example/", "file:///x"],
)
async def test_h3_a_key_set_is_not_read_from_within(
    database: Database, peppers: Peppers, stocked: TenantId, uri: str
) -> None:
    with pytest.raises(Refused):
        await register(
            database,
            peppers,
            stocked,
            auth_method=AuthMethod.PRIVATE_KEY_JWT,
            keys=ClientKeys(jwks_uri=uri),
        )


async def test_what_is_named_changes_and_the_rest_stays(
    database: Database, peppers: Peppers, stocked: TenantId
) -> None:
    made = await register(database, peppers, stocked, claims={"region": "eu"})
    change = ClientChange(name="second", dpop=DpopUse.REQUIRED)
    found = await change_client(database, stocked, made.client_id, change)
    assert (found.client.name, found.client.dpop) == ("second", DpopUse.REQUIRED)
    assert found.client.claims == {"region": "eu"}
    assert found.grants == {THINGS: ["read", "write"]}
    assert found.client.default_api == THINGS


async def test_apis_and_scopes_are_given_anew(
    database: Database, peppers: Peppers, stocked: TenantId
) -> None:
    made = await register(database, peppers, stocked)
    change = ClientChange(apis=(OTHERS, THINGS), scopes=frozenset({"read"}))
    found = await change_client(database, stocked, made.client_id, change)
    assert found.grants == {OTHERS: ["read"], THINGS: ["read"]}
    assert found.client.default_api == OTHERS


async def test_keys_are_exchanged(database: Database, peppers: Peppers, stocked: TenantId) -> None:
    made = await register(
        database, peppers, stocked, auth_method=AuthMethod.PRIVATE_KEY_JWT, keys=KEYS
    )
    change = ClientChange(keys=ELSEWHERE)
    found = await change_client(database, stocked, made.client_id, change)
    assert (found.client.jwks, found.client.jwks_uri) == (None, ELSEWHERE.jwks_uri)


@pytest.mark.parametrize(
    "change",
    [
        ClientChange(name=""),
        ClientChange(scopes=frozenset({"read"})),
        ClientChange(apis=(THINGS, THINGS)),
        ClientChange(apis=("https://nobody.example",)),
        ClientChange(apis=(THINGS,), scopes=frozenset({"admin"})),
        ClientChange(serves=("https://nobody.example",)),
        ClientChange(keys=KEYS),
        ClientChange(claims={"sub": "somebody else"}),
    ],
)
async def test_a_bad_change_changes_nothing(
    database: Database, peppers: Peppers, stocked: TenantId, change: ClientChange
) -> None:
    made = await register(database, peppers, stocked)
    before = await show_client(database, stocked, made.client_id)
    with pytest.raises(Refused):
        await change_client(database, stocked, made.client_id, change)
    assert await show_client(database, stocked, made.client_id) == before


async def test_an_unknown_client_is_not_changed(database: Database, stocked: TenantId) -> None:
    with pytest.raises(UnknownClient):
        await change_client(database, stocked, ClientId("c_none"), ClientChange(name="x"))
