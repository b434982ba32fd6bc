"""The built-in tenant and the API keys that are its clients."""

import asyncio

import msgspec
import pytest

from control_plane.accounts.actions import UnknownAccount, create_account
from control_plane.apis.actions import list_apis
from control_plane.clients.actions import UnknownClient, show_client
from control_plane.management.actions import (
    create_api_key,
    ensure_system_tenant,
    list_api_keys,
    revoke_api_key,
)
from control_plane.management.rules import ApiKeyRefused, NewApiKey
from control_plane.tenants.actions import InvalidTenant, show_tenant
from control_plane.tenants.deletion import delete_tenant
from shared.domain.ids import ClientId
from shared.domain.management import MANAGEMENT_SCOPES, OPERATOR, REVOKE_TOKENS, SYSTEM_SLUG
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.support import opened


def new_key(account: str = OPERATOR, scope: str = REVOKE_TOKENS) -> NewApiKey:
    return NewApiKey(account=account, name="test", scopes=frozenset({scope}))


async def test_the_built_in_tenant_is_made_once_however_many_want_it(
    postgres: EmbeddedPostgres,
) -> None:
    alone = await asyncio.to_thread(new_installation, postgres.url)
    config = read_config(alone.environment("https://id.example"))
    async with opened(alone.control_url) as database:
        assert await list_api_keys(database, after=ClientId(""), limit=1) == []
        made = await asyncio.gather(*(ensure_system_tenant(database, config) for _ in range(4)))
        assert len(set(made)) == 1
        (api,) = await list_apis(database, made[0])
        assert (api.identifier, api.scopes) == ("https://id.example/api/", dict(MANAGEMENT_SCOPES))
        assert (await show_tenant(database, SYSTEM_SLUG)).account_id == OPERATOR
        # the console moves: the new audience is beside the old one
        moved = msgspec.structs.replace(config, console_url="https://console.example")
        assert await ensure_system_tenant(database, moved) == made[0]
        assert len(await list_apis(database, made[0])) == 2


async def test_an_api_key_is_a_client_that_may_only_ask_for_our_api(
    database: Database, settings: Config
) -> None:
    account = await create_account(database, "Acme")
    made = await create_api_key(database, settings, new_key(account))
    system = await ensure_system_tenant(database, settings)
    shown = await show_client(database, system, made.client_id)
    assert shown.grants == {f"{settings.console_url}/api/": [REVOKE_TOKENS]}
    everyone = await list_api_keys(database, after=ClientId(""), limit=1000)
    (listed,) = [each for each in everyone if each.client_id == made.client_id]
    assert (listed.account, listed.name, listed.enabled) == (account, "test", True)


async def test_an_api_key_needs_an_account_a_name_and_scopes_that_there_are(
    database: Database, settings: Config
) -> None:
    with pytest.raises(UnknownAccount):
        await create_api_key(database, settings, new_key("a_unknown"))
    with pytest.raises(ApiKeyRefused):
        await create_api_key(database, settings, new_key(scope="write:everything"))
    with pytest.raises(ApiKeyRefused):
        await create_api_key(database, settings, msgspec.structs.replace(new_key(), name=""))


async def test_a_revoked_api_key_is_gone(database: Database, settings: Config) -> None:
    made = await create_api_key(database, settings, new_key())
    await revoke_api_key(database, made.client_id)
    everyone = await list_api_keys(database, after=ClientId(""), limit=1000)
    assert made.client_id not in {each.client_id for each in everyone}
    with pytest.raises(UnknownClient):
        await revoke_api_key(database, made.client_id)


async def test_the_built_in_tenant_cannot_be_deleted(database: Database, settings: Config) -> None:
    await ensure_system_tenant(database, settings)
    with pytest.raises(InvalidTenant):
        await delete_tenant(database, SYSTEM_SLUG)
    assert (await show_tenant(database, SYSTEM_SLUG)).slug == SYSTEM_SLUG
