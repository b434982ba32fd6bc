"""From the first form to the first token, as a browser goes."""

import asyncio
import json
import re
import subprocess

import httpx
import jwt
import msgspec
import pytest

from control_plane.apis.actions import create_api, list_apis
from control_plane.clients.actions import list_clients
from control_plane.members.rules import Role
from control_plane.start.rules import first_api
from control_plane.tenancy.actions import find_tenant
from shared.domain.ids import ClientId
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import (
    Browser,
    Console,
    make_account,
    run_console,
    shown_secret,
    text_of,
)
from tests.support import Server, new_slug

pytestmark = pytest.mark.usefixtures("quick_keys")


async def counts(database: Database, account: str, slug: str) -> tuple[int, int]:
    tenant = await find_tenant(database, account, slug)
    assert tenant is not None
    clients = await list_clients(database, tenant.id, after=ClientId(""), limit=100)
    return len(await list_apis(database, tenant.id)), len(clients)


async def test_one_form_makes_all_and_hands_the_secret_over_once(
    console: Console, database: Database
) -> None:
    account, slug = await make_account(database), new_slug()
    async with console.signed_in(account) as browser:
        assert (await browser.get("/")).headers["location"] == "/start"
        form = await browser.get("/start")
        assert "account" in form.text  # the slug is suggested from the account's name
        made = await browser.post("/start", slug=slug)
        assert made.status_code == 200
        secret = shown_secret(made)
        assert f"/t/{slug}" in made.text
        assert made.headers["cache-control"] == "no-store"
        assert (await browser.get("/")).headers["location"] == "/tenants"
        later = await browser.get(f"/tenants/{slug}/first-token")
        assert secret not in later.text
        assert "Waiting for your first token request" in later.text
        again = await browser.get("/start")
        assert again.headers["location"] == f"/tenants/{slug}/first-token"
    assert await counts(database, account, slug) == (1, 1)


async def test_sent_twice_at_once_it_makes_one_of_each(
    console: Console, database: Database
) -> None:
    account, slug = await make_account(database), new_slug()
    async with console.signed_in(account) as browser:
        answers = await asyncio.gather(*(browser.post("/start", slug=slug) for _ in range(4)))
        assert sorted(each.status_code for each in answers) == [200, 303, 303, 303]
        fresh = await browser.post(f"/tenants/{slug}/first-token")
        assert shown_secret(fresh)  # for who lost the first
    assert await counts(database, account, slug) == (1, 1)


@pytest.mark.parametrize("slug", ["a", "-x-", "admin", "<img onerror>", ""])
async def test_what_is_no_slug_is_said_on_the_form(
    console: Console, database: Database, slug: str
) -> None:
    async with console.signed_in(await make_account(database)) as browser:
        answer = await browser.post("/start", slug=slug)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "<img" not in answer.text.split("<main")[1]


async def test_whether_a_slug_is_free_is_told_while_it_is_typed(
    console: Console, database: Database
) -> None:
    account, slug = await make_account(database), new_slug()
    async with console.signed_in(account) as browser:
        assert "is free" in (await browser.get(f"/start/slug?slug={slug}", HX_Request="true")).text
        await browser.post("/start", slug=slug)
        assert "is taken" in (await browser.get(f"/start/slug?slug={slug}")).text
        assert "a slug has" in (await browser.get("/start/slug?slug=%3Cb%3E")).text
    async with console.signed_in(await make_account(database)) as other:
        taken = await other.post("/start", slug=slug)
        assert taken.status_code == 422
        assert "is taken" in text_of(taken)


async def test_a_second_tenant_is_made_within_the_plan_and_the_limit_is_explained(
    console: Console, database: Database
) -> None:
    account = await make_account(database, PlanName.STARTER)
    async with console.signed_in(account) as browser:
        await browser.post("/start", slug=new_slug())
        live = await browser.post("/start/another", slug=new_slug("live"), environment="live")
        assert '<span class="pill good">Live</span>' in live.text
        full = await browser.post("/start/another", slug=new_slug(), environment="test")
        assert full.status_code == 409
        assert "Starter plan includes 1 test tenants" in text_of(full)
        assert "Growth" in full.text  # what lifts it
        listed = await browser.get("/tenants")
        assert "1 to 2 of 2 tenants" in text_of(listed)
        assert "1 to 1 of 1 tenants" in text_of(await browser.get("/tenants?q=live-"))
        assert "No tenant here" in (await browser.get("/tenants?q=%3Cimg%3E")).text


async def test_where_its_api_has_no_room_the_tenant_is_not_made_either(
    console: Console, database: Database
) -> None:
    account, slug = await make_account(database, PlanName.STARTER), new_slug()
    async with console.signed_in(account) as browser:
        await browser.post("/start", slug=slug)
        tenant = await find_tenant(database, account, slug)
        assert tenant is not None
        sealer = Sealer(console.config.master_keys)
        for number in range(4):
            api = msgspec.structs.replace(first_api(slug), identifier=f"https://{number}.example")
            await create_api(database, sealer, tenant.id, api)
        second = new_slug()
        full = await browser.post("/start/another", slug=second, environment="live")
        assert full.status_code == 409
        assert "includes 5 APIs" in text_of(full)
        assert await find_tenant(database, account, second) is None


async def test_who_may_not_make_tenants_meets_an_empty_list(
    console: Console, database: Database
) -> None:
    account = await make_account(database)
    async with console.signed_in(account, Role.READ_ONLY) as browser:
        assert (await browser.get("/")).headers["location"] == "/tenants"
        listed = await browser.get("/tenants")
        assert "No tenant yet" in listed.text
        assert "Make the first" not in listed.text
        assert (await browser.post("/start", slug=new_slug())).status_code == 403
    async with console.signed_in(account, Role.BILLING) as browser:
        assert (await browser.get("/tenants")).status_code == 403


async def test_the_copied_command_gets_a_token_and_the_page_turns_green(
    server: Server, database: Database
) -> None:
    account, slug = await make_account(database), new_slug()
    async with (
        run_console(server.installation, database, server.url) as console,
        console.signed_in(account) as browser,
    ):
        made = await browser.post("/start", slug=slug)
        command = copied_curl(made)
        wrong = command.replace("scope=read write", "scope=foo")
        assert "invalid_scope" in run(wrong)
        failed = await shown_when(browser, slug, "invalid_scope")
        assert "Ask only for scopes that the client is granted" in failed.text
        answer = run(command)
        assert "access_token" in answer
        events = await browser.get(f"/tenants/{slug}/first-token/events?until=9999999999")
        assert events.headers["content-type"].startswith("text/event-stream")
        assert events.headers["content-security-policy"].startswith("default-src 'none'")
        assert events.text.startswith("data: ")
        assert "Your first token was issued." in events.text
        assert "read write" in events.text
        assert events.text.endswith("event: done\ndata:\n\n")
        page = await browser.get(f"/tenants/{slug}/first-token")
        assert "Your first token was issued." in page.text
        assert "hx-sse:connect" not in page.text
        await has_no_secret_in_its_log(browser, slug, shown_secret(made), json.loads(answer))


async def has_no_secret_in_its_log(
    browser: Browser, slug: str, secret: str, answer: dict[str, str]
) -> None:
    """See that the log has the token's id, and neither the token nor what it was asked with."""
    path = f"/tenants/{slug}/logs"
    page = await browser.get(path)
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert claims["jti"] in page.text
    assert "invalid_scope" in page.text
    entries = re.findall(rf'href="({path}/[0-9a-f-]{{36}})"', page.text)
    assert len(entries) == 2
    shown = page.text + "".join([(await browser.get(each)).text for each in entries])
    assert secret not in shown
    assert answer["access_token"].split(".")[2] not in shown


async def test_a_page_that_was_left_alone_stops_asking(
    console: Console, database: Database
) -> None:
    slug = new_slug()
    async with console.signed_in(await make_account(database)) as browser:
        await browser.post("/start", slug=slug)
        for until in ("1", "", "x"):
            answer = await browser.get(f"/tenants/{slug}/first-token/events?until={until}")
            assert "Nothing for 20 minutes" in answer.text
            assert answer.text.endswith("event: done\ndata:\n\n")


def copied_curl(answer: httpx.Response) -> str:
    """Give what the first button after curl's text copies."""
    found = re.search(r'data-copy="(curl [^"]*)"', answer.text)
    assert found
    return found[1].replace("&#39;", "'")


def run(command: str) -> str:
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout  # noqa: S602 - as it is pasted


async def shown_when(browser: Browser, slug: str, words: str) -> httpx.Response:
    for _ in range(100):
        page = await browser.get(f"/tenants/{slug}/first-token")
        if words in page.text:
            return page
        await asyncio.sleep(0.2)
    pytest.fail(f"{words} is not shown")
