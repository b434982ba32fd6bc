"""Changing and deleting APIs on a real database."""

import pytest

from control_plane.apis.actions import change_api, create_api, delete_api, list_apis
from control_plane.apis.rules import ApiChange, InvalidApi, NewApi
from control_plane.clients.actions import register_client, show_client
from control_plane.clients.rules import NewClient
from control_plane.keys.actions import list_keys
from shared.domain.client import TokenProfile
from shared.domain.ids import TenantId
from shared.domain.jwk import Algorithm
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

IDENTIFIER = "https://things.example"


@pytest.fixture
async def stocked(database: Database, sealer: Sealer, acme: TenantId) -> TenantId:
    scopes = {"read": "", "write": ""}
    new = NewApi(identifier=IDENTIFIER, name="Things", scopes=scopes, token_lifetime=60)
    await create_api(database, sealer, acme, new)
    return acme


async def test_what_is_named_changes_and_the_rest_stays(
    database: Database, sealer: Sealer, stocked: TenantId
) -> None:
    change = ApiChange(token_lifetime=7200, profile=TokenProfile.JWT)
    await change_api(database, sealer, stocked, IDENTIFIER, change)
    (found,) = await list_apis(database, stocked)
    assert (found.token_lifetime, found.profile) == (7200, TokenProfile.JWT)
    assert (found.name, found.algorithm) == ("Things", Algorithm.ES256)
    assert found.scopes == {"read": "", "write": ""}


async def test_a_scope_that_an_api_loses_is_taken_from_its_clients(
    database: Database, sealer: Sealer, peppers: tuple[Key, ...], stocked: TenantId
) -> None:
    new = NewClient(name="first", apis=(IDENTIFIER,))
    client = await register_client(database, peppers, stocked, new)
    change = ApiChange(scopes={"read": "", "admin": ""})
    await change_api(database, sealer, stocked, IDENTIFIER, change)
    found = await show_client(database, stocked, client.client_id)
    assert found.grants == {IDENTIFIER: ["read"]}


async def test_another_algorithm_brings_its_key(
    database: Database, sealer: Sealer, stocked: TenantId
) -> None:
    change = ApiChange(algorithm=Algorithm.EDDSA)
    await change_api(database, sealer, stocked, IDENTIFIER, change)
    assert Algorithm.EDDSA in {key.algorithm for key in await list_keys(database, stocked)}


@pytest.mark.parametrize(
    "change",
    [
        ApiChange(token_lifetime=59),
        ApiChange(token_lifetime=86_401),
        ApiChange(name=""),
        ApiChange(scopes={"two words": ""}),
    ],
)
async def test_a_change_that_a_new_api_could_not_have_is_refused(
    database: Database, sealer: Sealer, stocked: TenantId, change: ApiChange
) -> None:
    with pytest.raises(InvalidApi):
        await change_api(database, sealer, stocked, IDENTIFIER, change)
    (found,) = await list_apis(database, stocked)
    assert (found.name, found.token_lifetime) == ("Things", 60)


async def test_an_unknown_api_is_not_changed_and_not_deleted(
    database: Database, sealer: Sealer, stocked: TenantId
) -> None:
    with pytest.raises(InvalidApi, match="no API"):
        await change_api(database, sealer, stocked, "https://x.example", ApiChange(name="X"))
    with pytest.raises(InvalidApi, match="no API"):
        await delete_api(database, stocked, "https://x.example")


async def test_an_api_goes_only_when_no_client_may_ask_for_it(
    database: Database, peppers: tuple[Key, ...], stocked: TenantId
) -> None:
    new = NewClient(name="first", apis=(IDENTIFIER,))
    await register_client(database, peppers, stocked, new)
    with pytest.raises(InvalidApi, match="1 clients"):
        await delete_api(database, stocked, IDENTIFIER)
    assert len(await list_apis(database, stocked)) == 1


async def test_an_api_without_clients_is_deleted(database: Database, stocked: TenantId) -> None:
    await delete_api(database, stocked, IDENTIFIER)
    assert await list_apis(database, stocked) == []
