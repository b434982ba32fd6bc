"""API keys in the console: made once shown once, revoked by name, and nobody else's."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import msgspec
import pytest

from control_plane.audit.actions import list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, Chain
from control_plane.management import rules
from control_plane.management.actions import api_keys_of, find_api_key
from control_plane.members.rules import Permission, Role, may
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.ids import ClientId
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import Browser, Console, make_account, shown_secret, text_of
from tests.support import new_slug

FORM = {"scope:read:clients": "1", "scope:write:clients": "1", "for": "all", "expires": "2592000"}


class Keyed(msgspec.Struct, frozen=True):
    """An account that makes keys, and the browser of its owner."""

    account: str
    browser: Browser
    database: Database

    async def make(self, **fields: str) -> ClientId:
        name = f"key {token_hex(4)}"
        answer = await self.browser.post("/api-keys/new", **{"name": name} | FORM | fields)
        assert answer.status_code == 200, text_of(answer)
        found = re.search(r"c_[0-9A-Za-z]{16}", answer.text)
        assert found
        return ClientId(found[0])

    async def only(self) -> rules.ApiKey:
        (found,) = await api_keys_of(self.database, self.account)
        return found


@pytest.fixture
async def keyed(console: Console, database: Database) -> AsyncIterator[Keyed]:
    account = await make_account(database)
    async with console.signed_in(account) as browser:
        yield Keyed(account, browser, database)


async def test_an_account_without_keys_is_told_what_they_are_for(keyed: Keyed) -> None:
    page = await keyed.browser.get("/api-keys")
    assert "No API key yet" in page.text
    assert "0 of 50" in page.text


async def test_a_key_is_shown_once_with_a_file_of_it(keyed: Keyed) -> None:
    made = await keyed.browser.post("/api-keys/new", name="deploy", **FORM)
    secret = shown_secret(made)
    assert f"AUTH_CLIENT_SECRET={secret}" in made.text
    assert 'data-download="api-key.env"' in made.text
    assert made.headers["cache-control"] == "no-store"
    key = await keyed.only()
    assert (key.name, key.scopes, key.tenants) == ("deploy", ["read:clients", "write:clients"], [])
    assert key.last_four == secret[-4:]
    assert key.expires_at is not None
    left = key.expires_at - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    for path in ("/api-keys", f"/api-keys/{key.client_id}"):
        page = await keyed.browser.get(path)
        assert secret not in page.text
        assert f"as_cs_…{key.last_four}" in page.text
        assert "read:clients" in page.text
        assert f"by {key.created_by}" in text_of(page)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "a name is 1 to 100"),
        ({"name": "x", **FORM, "scope:read:clients": "", "expires": "0"}, "a year at most"),
        ({"name": "x", **FORM, "expires": "99999999"}, "a year at most"),
        ({"name": "x", "for": "all", "expires": "2592000"}, "at least one scope"),
        ({"name": "x", "scope:write:all": "1", "for": "all", "expires": "2592000"}, "one scope"),
        ({"name": "x", **FORM, "for": "some"}, "choose all tenants, or tick"),
        ({"name": "x", **FORM, "tenant:acme": "1"}, "choose all tenants, or tick"),
        ({"name": "x", **FORM, "for": "some", "tenant:no-such": "1"}, "no tenant no-such"),
    ],
)
async def test_what_is_no_key_is_told_and_not_made(
    keyed: Keyed, fields: dict[str, str], words: str
) -> None:
    answer = await keyed.browser.post("/api-keys/new", **({"for": "all"} | fields))
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert await api_keys_of(keyed.database, keyed.account) == []


async def test_a_key_is_for_some_tenants_of_the_account_and_for_no_others(
    keyed: Keyed,
    sealer: Sealer,
    database: Database,
    quick_keys: None,  # noqa: ARG001 - it acts by being there
) -> None:
    own, others = new_slug(), new_slug()
    await create_tenant(database, sealer, NewTenant(slug=own, name=own, account=keyed.account))
    await create_tenant(database, sealer, NewTenant(slug=others, name=others))
    page = await keyed.browser.get("/api-keys/new")
    assert f'name="tenant:{own}"' in page.text
    assert others not in page.text
    asked = {"for": "some", f"tenant:{own}": "1"}
    refused = await keyed.browser.post(
        "/api-keys/new", name="x", **FORM | asked | {f"tenant:{others}": "1"}
    )
    assert f"no tenant {others}" in text_of(refused)
    await keyed.make(**asked)
    assert (await keyed.only()).tenants == [own]


async def test_revoking_asks_for_the_name_and_is_in_the_accounts_log(keyed: Keyed) -> None:
    client_id = await keyed.make(name="deploy")
    path = f"/api-keys/{client_id}/revoke"
    wrong = await keyed.browser.post(path, typed="deplo")
    assert (wrong.status_code, "nothing was revoked" in wrong.text) == (422, True)
    assert await find_api_key(keyed.database, keyed.account, client_id) is not None
    assert (await keyed.browser.post(path, typed="deploy")).status_code == 303
    assert await api_keys_of(keyed.database, keyed.account) == []
    assert (await keyed.browser.get(f"/api-keys/{client_id}")).status_code == 404
    logged = await list_events(
        keyed.database, Chain(ACCOUNT, keyed.account), Sought(), before=2**62, limit=2
    )
    assert [each.action for each in logged] == ["api_key.revoke", "api_key.create"]
    assert {each.target for each in logged} == {f"API key {client_id}"}
    assert {each.actor_kind for each in logged} == {"person"}


async def test_there_is_a_most_of_keys(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAXIMUM_KEYS", 1)
    await keyed.make()
    answer = await keyed.browser.post("/api-keys/new", name="second", **FORM)
    assert (answer.status_code, "at most 1 API keys" in text_of(answer)) == (422, True)


async def test_anothers_key_is_as_one_that_is_not_there(
    console: Console, keyed: Keyed, database: Database
) -> None:
    client_id = await keyed.make(name="ours")
    async with console.signed_in(await make_account(database)) as stranger:
        assert (await stranger.get(f"/api-keys/{client_id}")).status_code == 404
        answer = await stranger.post(f"/api-keys/{client_id}/revoke", typed="ours")
        assert answer.status_code == 404
        assert "ours" not in (await stranger.get("/api-keys")).text
    assert (await keyed.only()).client_id == client_id


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_and_makes_keys_or_not(
    console: Console, keyed: Keyed, role: Role
) -> None:
    client_id = await keyed.make(name="ours")
    allowed = may(role, Permission.CHANGE_API_KEYS)
    async with console.signed_in(keyed.account, role) as browser:
        for path in ("/api-keys", "/api-keys/new", f"/api-keys/{client_id}"):
            assert (await browser.get(path)).status_code == (200 if allowed else 403)
        assert ("/api-keys" in (await browser.get("/you")).text) is allowed
        if not allowed:
            made = await browser.post("/api-keys/new", name="x", **FORM)
            ended = await browser.post(f"/api-keys/{client_id}/revoke", typed="ours")
            assert (made.status_code, ended.status_code) == (403, 403)


async def test_making_and_revoking_ask_for_a_fresh_proof(console: Console, keyed: Keyed) -> None:
    client_id = await keyed.make(name="ours")
    earlier = datetime.now(UTC) - timedelta(minutes=11)
    async with console.signed_in(keyed.account, now=earlier) as browser:
        page = await browser.get(f"/api-keys/{client_id}")
        assert "confirm that it is you" in text_of(page)
        for answer in (
            await browser.get("/api-keys/new"),
            await browser.post("/api-keys/new", name="x", **FORM),
            await browser.post(f"/api-keys/{client_id}/revoke", typed="ours"),
        ):
            assert answer.headers["location"].startswith("/signin/again")
    assert (await keyed.only()).client_id == client_id
