"""Pages of APIs: what they show, to whom, and what they change."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from markupsafe import escape

from control_plane.apis.actions import create_api, find_api, list_apis
from control_plane.apis.rules import NewApi, ref_of
from control_plane.audit.actions import LAST, list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import TENANT, Chain
from control_plane.clients.actions import change_client, show_client
from control_plane.clients.rules import ClientChange
from control_plane.members.rules import Role
from shared.domain.client import TokenProfile
from shared.domain.jwk import Algorithm
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Browser, Console, text_of

pytestmark = pytest.mark.usefixtures("quick_keys")

TABS = ("", "/scopes", "/clients", "/test", "/danger")
NEW = {"lifetime": "600", "algorithm": "ES256", "profile": "at+jwt"}
WRONG: list[tuple[dict[str, str], str]] = [
    ({"identifier": "orders"}, "absolute URI"),
    ({"identifier": ""}, "absolute URI"),
    ({"scopes": "a b\na c"}, "is there twice"),
    ({"scopes": 'wr"ong'}, "scope"),
    ({"scopes": "\n".join(f"s{number}" for number in range(101))}, "at most 100 scopes"),
    ({"lifetime": "59"}, "a token lives"),
    ({"lifetime": "an hour"}, "whole number"),
    ({"lifetime": ""}, "whole number"),
    ({"algorithm": "none"}, "the algorithm is one of"),
    ({"profile": "x"}, "the profile is one of"),
]
HOSTILE = ["<img onerror>", '" hx-get=', "{{7*7}}", "'; reboot #"]


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with site.browser() as opened:
        yield opened


def apis(site: Site) -> str:
    return f"/tenants/{site.slug}/apis"


def audience(site: Site) -> str:
    return f"https://api.{site.slug}.example"


def path(site: Site, identifier: str = "") -> str:
    return f"{apis(site)}/{ref_of(identifier or audience(site))}"


async def add_apis(site: Site, database: Database, names: list[str]) -> None:
    sealer = Sealer(site.console.config.master_keys)
    for name in names:
        new = NewApi(identifier=f"urn:{name}", name=f"The {name}", scopes={}, token_lifetime=60)
        await create_api(database, sealer, site.tenant, new)


async def test_the_list_is_cut_into_pages_searched_and_sorted(
    site: Site, database: Database, browser: Browser
) -> None:
    await add_apis(site, database, [f"api{number:02}" for number in range(19)])
    first = await browser.get(apis(site))
    assert "1 to 20 of 20 APIs" in text_of(first)
    assert "1 to 1 of 1 APIs" in text_of(await browser.get(f"{apis(site)}?q=URN:API07"))
    most = await browser.get(f"{apis(site)}?sort=clients")
    assert most.text.index(audience(site)) < most.text.index("urn:api00")
    newest = await browser.get(f"{apis(site)}?sort=created")
    assert newest.text.index("urn:api18") < newest.text.index("urn:api17")
    assert "No API here" in (await browser.get(f"{apis(site)}?q=%25")).text  # no wildcard of ours
    for query in ("page=999", "page=-1", "sort=x"):
        assert (await browser.get(f"{apis(site)}?{query}")).status_code == 200


async def test_an_api_is_created_and_its_scopes_are_read_line_by_line(
    site: Site, database: Database, browser: Browser
) -> None:
    assert "Create API" in (await browser.get(f"{apis(site)}/new")).text
    scopes = "read  See orders\r\n\r\n orders:write\r\n"
    made = await browser.post(
        f"{apis(site)}/new", identifier="urn:orders", name="Orders", scopes=scopes, **NEW
    )
    assert made.headers["location"] == path(site, "urn:orders")
    found = await find_api(database, site.tenant, "urn:orders")
    assert found is not None
    assert (found.name, found.token_lifetime) == ("Orders", 600)
    assert found.scopes == {"read": "See orders", "orders:write": ""}
    assert (await browser.get(made.headers["location"])).status_code == 200
    chain = Chain(TENANT, site.tenant)
    [event] = await list_events(database, chain, Sought(), before=LAST, limit=1)
    assert (event.action, event.target) == ("api.create", "API urn:orders")
    assert event.actor_email.endswith("@example.com")


async def test_what_is_no_api_is_said_on_the_form_and_nothing_typed_is_lost(
    site: Site, database: Database, browser: Browser
) -> None:
    for wrong, says in WRONG:
        given = {"identifier": "urn:orders", "name": "Orders", "scopes": "kept it"} | NEW | wrong
        refused = await browser.post(f"{apis(site)}/new", **given)
        assert (refused.status_code, says in text_of(refused)) == (422, True), wrong
        assert 'value="Orders"' in refused.text
    taken = await browser.post(f"{apis(site)}/new", identifier=audience(site), **NEW)
    assert (taken.status_code, "already" in text_of(taken)) == (422, True)
    assert len(await list_apis(database, site.tenant)) == 1


async def test_the_plans_limit_of_apis_is_explained(console: Console, database: Database) -> None:
    site = await make_site(console, database, PlanName.SANDBOX)
    await add_apis(site, database, ["two"])
    async with site.browser() as browser:
        full = await browser.post(f"{apis(site)}/new", identifier="urn:three", **NEW)
        assert full.status_code == 409
        assert "Sandbox plan includes 2 APIs" in text_of(full)


async def test_lifetime_algorithm_and_profile_change_and_the_identifier_does_not(
    site: Site, database: Database, browser: Browser
) -> None:
    changed = await browser.post(
        path(site),
        name="Other",
        identifier="urn:x",
        lifetime="900",
        algorithm="EdDSA",
        profile="JWT",
    )
    assert changed.headers["location"] == path(site)
    [held] = await list_apis(database, site.tenant)
    assert (held.identifier, held.name, held.token_lifetime) == (audience(site), "Other", 900)
    assert (held.algorithm, held.profile) == (Algorithm.EDDSA, TokenProfile.JWT)
    assert held.scopes.keys() == {"read", "write"}
    refused = await browser.post(path(site), **NEW | {"name": "x", "lifetime": "0"})
    assert refused.status_code == 422


async def test_scopes_are_added_described_and_removed(
    site: Site, database: Database, browser: Browser
) -> None:
    scopes = f"{path(site)}/scopes"
    await browser.post(scopes, scope="delete", description="Remove orders")
    await browser.post(f"{scopes}/describe", scope="read", description="See orders")
    [held] = await list_apis(database, site.tenant)
    assert held.scopes["delete"] == "Remove orders"
    assert held.scopes["read"] == "See orders"
    for wrong in (
        await browser.post(scopes, scope="delete", description="again"),
        await browser.post(scopes, scope="two words"),
        await browser.post(f"{scopes}/describe", scope="none", description="x"),
    ):
        assert wrong.status_code == 422
        assert 'role="alert"' in wrong.text
    await browser.post(f"{scopes}/remove", scope="delete")  # nobody has it: at once
    [held] = await list_apis(database, site.tenant)
    assert held.scopes.keys() == {"read", "write"}


async def test_a_scope_that_a_client_has_is_removed_when_that_is_said_once_more(
    site: Site, database: Database, browser: Browser
) -> None:
    asked = await browser.post(f"{path(site)}/scopes/remove", scope="write")
    assert asked.status_code == 422
    assert "is granted to 1 client" in text_of(asked)
    held = await show_client(database, site.tenant, site.client_id)
    assert held.grants == {audience(site): ["read", "write"]}
    await browser.post(f"{path(site)}/scopes/remove", scope="write", even_so="1")
    held = await show_client(database, site.tenant, site.client_id)
    assert held.grants == {audience(site): ["read"]}


async def test_two_people_who_change_scopes_at_once_lose_nothing(
    site: Site, database: Database, browser: Browser
) -> None:
    await browser.get(f"{path(site)}/scopes")  # as both see it
    await browser.post(f"{path(site)}/scopes", scope="one")
    await browser.post(f"{path(site)}/scopes", scope="two")
    [held] = await list_apis(database, site.tenant)
    assert held.scopes.keys() == {"read", "write", "one", "two"}


async def test_clients_that_may_ask_for_it_are_listed_with_links(
    site: Site, database: Database, browser: Browser
) -> None:
    page = await browser.get(f"{path(site)}/clients")
    assert f'href="{site.client}"' in page.text
    assert "read write" in page.text
    assert "May introspect" not in page.text
    assert "No client of this API" in (await browser.get(f"{path(site)}/clients?q=xy")).text
    serving = ClientChange(apis=(), serves=(audience(site),))
    await change_client(database, site.tenant, site.client_id, serving)
    page = await browser.get(f"{path(site)}/clients")
    assert "No client may ask for it" in page.text
    assert "May introspect" in page.text


async def test_deleting_is_blocked_by_clients_and_asks_for_the_name(
    site: Site, database: Database, browser: Browser
) -> None:
    danger, name = f"{path(site)}/danger", (await list_apis(database, site.tenant))[0].name
    blocked = await browser.get(danger)
    assert "Take it from it first" in text_of(blocked)
    assert f'href="{site.client}/apis"' in blocked.text
    assert "Delete API" not in blocked.text
    refused = await browser.post(f"{path(site)}/delete", typed=name)
    assert refused.status_code == 422
    await change_client(
        database, site.tenant, site.client_id, ClientChange(apis=(), serves=(audience(site),))
    )
    wrong = await browser.post(f"{path(site)}/delete", typed=name + "x")
    assert wrong.status_code == 422
    gone = await browser.post(f"{path(site)}/delete", typed=name)
    assert gone.headers["location"] == apis(site)
    assert "No API yet" in (await browser.get(apis(site))).text
    assert (await browser.get(path(site))).status_code == 404


async def test_who_signed_in_a_while_ago_confirms_it_before_deleting(site: Site) -> None:
    earlier = datetime.now(UTC) - timedelta(minutes=11)
    async with site.console.signed_in(site.account, now=earlier) as browser:
        answer = await browser.post(f"{path(site)}/delete", typed="x")
        assert answer.headers["location"].startswith("/signin/again")


async def test_read_only_sees_everything_and_is_offered_no_change(site: Site) -> None:
    async with site.browser(Role.READ_ONLY) as browser:
        assert "Create API" not in (await browser.get(apis(site))).text
        for tab in TABS:
            page = await browser.get(path(site) + tab)
            assert page.status_code == 200
            assert "<button class=" not in page.text.partition("<main")[2]
        assert (await browser.post(f"{path(site)}/scopes", scope="x")).status_code == 403
        assert (await browser.post(f"{path(site)}/test", secret="x")).status_code == 403


async def test_a_name_and_a_description_are_shown_as_text(site: Site, browser: Browser) -> None:
    for name in HOSTILE:
        await browser.post(path(site), **NEW | {"name": name})
        await browser.post(f"{path(site)}/scopes/describe", scope="read", description=name)
        for tab in TABS:
            page = await browser.get(path(site) + tab)
            assert page.status_code == 200
            content = page.text.partition("<main")[2]
            assert str(escape(name)) in content
            assert name == str(escape(name)) or name not in content


async def test_what_a_shell_would_read_otherwise_is_quoted_where_it_is_copied(
    site: Site, browser: Browser
) -> None:
    identifier = "urn:x;reboot&'$(id)'"
    made = await browser.post(f"{apis(site)}/new", identifier=identifier, **NEW)
    page = await browser.get(made.headers["location"])
    assert """api update --tenant""" in page.text
    assert """'urn:x;reboot&'"'"'$(id)'"'"''""" in unescape(page.text)


async def test_what_names_no_api_is_not_found(site: Site, browser: Browser) -> None:
    for ref in ("x", "%2e%2e", "aHR0cHM6Ly9ub25l", "AA", "w7w", "=", "a" * 400):
        assert (await browser.get(f"{apis(site)}/{ref}")).status_code == 404


async def test_the_api_of_another_tenant_is_not_found_under_ones_own(
    site: Site, console: Console, database: Database, browser: Browser
) -> None:
    other = await make_site(console, database)
    for tab in TABS:
        answer = await browser.get(f"{apis(site)}/{ref_of(audience(other))}{tab}")
        assert answer.status_code == 404
    for verb in ("", "/scopes", "/scopes/describe", "/scopes/remove", "/test", "/delete"):
        answer = await browser.post(f"{apis(site)}/{ref_of(audience(other))}{verb}", scope="x")
        assert answer.status_code == 404
    assert len(await list_apis(database, other.tenant)) == 1


async def test_htmx_is_given_the_fragment_of_the_same_page(site: Site, browser: Browser) -> None:
    page = await browser.get(apis(site), HX_Request="true")
    assert audience(site) in page.text
    assert "<body" not in page.text
