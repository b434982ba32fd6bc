"""Pages of clients: what they show, to whom, and what they change."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from markupsafe import escape

from control_plane.clients.actions import UnknownClient, register_client, show_client
from control_plane.clients.rules import NewClient
from control_plane.members.rules import MATRIX, Permission, Role
from shared.domain.client import DpopUse
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, shown_secret, text_of

pytestmark = pytest.mark.usefixtures("quick_keys")

HOSTILE = ["<img onerror>", '" hx-get=', "{{7*7}}", "</script>"]


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


async def add_clients(site: Site, database: Database, names: list[str]) -> None:
    api = f"https://api.{site.slug}.example"
    for name in names:
        new = NewClient(name=name, apis=(api,))
        await register_client(database, site.console.config.secret_peppers, site.tenant, new)


async def test_the_list_is_cut_into_pages_searched_and_sorted(
    site: Site, database: Database
) -> None:
    await add_clients(site, database, [f"worker {number:02}" for number in range(22)])
    async with site.browser() as browser:
        first = await browser.get(site.clients)
        assert "1 to 20 of 23 clients" in text_of(first)
        second = await browser.get(f"{site.clients}?page=2")
        assert "21 to 23 of 23 clients" in text_of(second)
        assert "worker 21" in second.text
        assert "worker 21" not in first.text
        found = await browser.get(f"{site.clients}?q=WORKER+07")
        assert "1 to 1 of 1 clients" in text_of(found)
        by_id = await browser.get(f"{site.clients}?q={site.client_id}")
        assert "my-first-service" in by_id.text
        newest = await browser.get(f"{site.clients}?sort=created")
        assert newest.text.index("worker 21") < newest.text.index("worker 20")
        wild = await browser.get(f"{site.clients}?q=%25")  # no wildcard of ours
        assert "No client here" in wild.text
        for query in ("page=999", "page=-1", "page=x", "sort=x", "page=99999999999999999999"):
            assert (await browser.get(f"{site.clients}?{query}")).status_code == 200


async def test_a_client_is_created_and_its_secret_shown_once(site: Site) -> None:
    async with site.browser() as browser:
        form = await browser.get(f"{site.clients}/new")
        assert f"api:https://api.{site.slug}.example" in form.text
        api = {f"api:https://api.{site.slug}.example": "1"}
        made = await browser.post(f"{site.clients}/new", name="Billing", **api)
        assert made.status_code == 200
        secret = shown_secret(made)
        assert f"AUTH_CLIENT_SECRET={secret}" in unescape(made.text)  # the file of the button
        assert secret not in (await browser.get(site.clients)).text
        for wrong in ({"name": "", **api}, {"name": "x"}, {"name": "x", "api:https://no": "1"}):
            refused = await browser.post(f"{site.clients}/new", **wrong)
            assert refused.status_code == 422
            assert 'role="alert"' in refused.text


async def test_the_plans_limit_of_clients_is_explained(
    console: Console, database: Database
) -> None:
    site = await make_site(console, database, PlanName.SANDBOX)
    await add_clients(site, database, ["two", "three", "four", "five"])
    async with site.browser() as browser:
        api = {f"api:https://api.{site.slug}.example": "1"}
        full = await browser.post(f"{site.clients}/new", name="six", **api)
        assert full.status_code == 409
        assert "Sandbox plan includes 5 clients" in text_of(full)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_is_shown_as_text_wherever_it_stands(
    site: Site, database: Database, name: str
) -> None:
    async with site.browser() as browser:
        changed = await browser.post(f"{site.client}/settings", name=name, dpop="required")
        assert changed.status_code == 303
        for part in ("", "/credentials", "/apis", "/settings", "/danger"):
            page = await browser.get(site.client + part)
            assert page.status_code == 200
            assert f"<title>{escape(name)} ·" in page.text
            assert is_text(name, page.text)
        assert is_text(name, (await browser.get(site.clients)).text)
    held = await show_client(database, site.tenant, site.client_id)
    assert (held.client.name, held.client.dpop) == (name, DpopUse.REQUIRED)


async def test_claims_of_its_own_are_given_and_taken_away(site: Site, database: Database) -> None:
    claims = {"region": "eu", "tier": ["a", {"b": None}], "</textarea>": "<b>é"}
    async with site.browser() as browser:
        path = f"{site.client}/settings"
        answer = await browser.post(f"{path}/claims", claims=json.dumps(claims))
        assert (answer.status_code, answer.headers["location"]) == (303, path)
        assert (await show_client(database, site.tenant, site.client_id)).client.claims == claims
        page = await browser.get(path)
        typed = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
        assert typed
        assert json.loads(unescape(typed[1])) == claims
        assert "--claim 'region=\"eu\"'" in unescape(page.text)
        await browser.post(f"{path}/claims", claims="  ")
    assert (await show_client(database, site.tenant, site.client_id)).client.claims == {}


@pytest.mark.parametrize(
    "claims",
    ['{"sub": "me"}', "[1]", "{", '{"a": 1.5}', "[" * 15_000, '{"a": "' + "b" * 2_048 + '"}'],
    ids=["registered", "no object", "no JSON", "a fraction", "deep", "large"],
)
async def test_claims_that_cannot_be_are_refused_and_stay_to_be_mended(
    site: Site, database: Database, claims: str
) -> None:
    async with site.browser() as browser:
        answer = await browser.post(f"{site.client}/settings/claims", claims=claims)
        assert answer.status_code == 422
        assert str(escape(claims)) in answer.text
    assert (await show_client(database, site.tenant, site.client_id)).client.claims == {}


async def test_scopes_are_narrowed_and_given_back(site: Site, database: Database) -> None:
    api = f"https://api.{site.slug}.example"
    async with site.browser() as browser:
        await browser.post(f"{site.client}/apis", **{f"api:{api}": "1", "scope:read": "1"})
        held = await show_client(database, site.tenant, site.client_id)
        assert held.grants == {api: ["read"]}
        page = await browser.get(f"{site.client}/apis")
        assert re.search(r'name="scope:read" value="1" checked', page.text)
        assert not re.search(r'name="scope:write" value="1" checked', page.text)
        await browser.post(f"{site.client}/apis", **{"scope:read": "1"})  # its API is not ticked
        assert (await show_client(database, site.tenant, site.client_id)).grants == {}
        unknown = await browser.post(f"{site.client}/apis", **{"api:https://none": "1"})
        assert unknown.status_code == 422


async def test_disabling_is_reversible_and_deleting_asks_for_the_name(
    site: Site, database: Database
) -> None:
    async with site.browser() as browser:
        await browser.post(f"{site.client}/disable")
        assert "Disabled" in (await browser.get(site.clients)).text
        assert not (await show_client(database, site.tenant, site.client_id)).client.enabled
        await browser.post(f"{site.client}/enable")
        assert (await show_client(database, site.tenant, site.client_id)).client.enabled
        assert (await browser.post(f"{site.client}/revoke")).status_code == 303
        wrong = await browser.post(f"{site.client}/delete", typed="my-first-servic")
        assert wrong.status_code == 422
        gone = await browser.post(f"{site.client}/delete", typed="my-first-service")
        assert gone.headers["location"] == site.clients
        assert "No client yet" in (await browser.get(site.clients)).text
        assert (await browser.get(site.client)).status_code == 404
    with pytest.raises(UnknownClient):
        await show_client(database, site.tenant, site.client_id)


async def test_who_signed_in_a_while_ago_confirms_it_first(site: Site, database: Database) -> None:
    earlier = datetime.now(UTC) - timedelta(minutes=11)
    async with site.console.signed_in(site.account, now=earlier) as browser:
        for path in ("credentials", "credentials/rotate", "credentials/end", "delete"):
            answer = await browser.post(f"{site.client}/{path}", typed="my-first-service")
            assert answer.headers["location"].startswith("/signin/again")
        assert (await browser.get(f"{site.clients}/new")).status_code == 303
        page = await browser.get(f"{site.client}/credentials")
        assert f"/signin/again?next={site.client}/credentials" in page.text
        assert "Start the rotation" not in page.text
    held = await show_client(database, site.tenant, site.client_id)
    assert [each.name for each in held.secrets] == ["first"]


async def test_read_only_sees_everything_and_is_offered_no_change(site: Site) -> None:
    async with site.browser(Role.READ_ONLY) as browser:
        assert "Create client" not in (await browser.get(site.clients)).text
        for part in ("", "/credentials", "/apis", "/settings", "/danger"):
            page = await browser.get(site.client + part)
            assert page.status_code == 200
            assert 'class="main"' not in page.text
            assert 'class="danger"' not in page.text


async def test_a_clients_log_is_a_tab_for_who_may_see_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = f'<a href="/tenants/{site.slug}/logs?client={site.client_id}">Logs</a>'
    async with site.browser(Role.READ_ONLY) as browser:
        for part in ("", "/credentials", "/apis", "/limits", "/settings", "/danger"):
            assert tab in (await browser.get(site.client + part)).text
        log = await browser.get(f"/tenants/{site.slug}/logs?client={site.client_id}")
        assert f'value="{site.client_id}"' in log.text
        monkeypatch.setitem(MATRIX, Role.READ_ONLY, frozenset({Permission.SEE_TENANTS}))
        assert "/logs" not in (await browser.get(site.client)).text


async def test_htmx_is_given_the_fragment_of_the_same_page(site: Site) -> None:
    async with site.browser() as browser:
        page = await browser.get(site.clients, HX_Request="true")
        assert "my-first-service" in page.text
        assert "<body" not in page.text
        assert page.headers["vary"] == "HX-Request"


def is_text(name: str, page: str) -> bool:
    """Tell whether the page's content says the name, and never as anything but text."""
    content = page.partition("<main")[2]
    escaped = str(escape(name))
    return escaped in content and name not in content.replace(escaped, "")
