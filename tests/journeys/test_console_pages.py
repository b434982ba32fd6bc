"""Every page of the console: axe finds nothing, no policy is broken, and a phone need not scroll
sideways.

The pages are found: each route that shows one, with ids as the pages before it link to them. With
SCREENSHOTS=directory there is a picture of each.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import msgspec
import pytest
from playwright.async_api import BrowserContext, Page, ViewportSize, async_playwright

from control_plane.app import create_console
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.passwords import Passwords
from control_plane.people.repository import add_person, change_person
from shared.domain.plan import PlanName
from shared.runtime.config import read_config
from shared.runtime.database import Database
from tests.control_plane.console import make_account
from tests.control_plane.everything import add_one_of_each
from tests.control_plane.people.browsing import PASSWORD, new_email
from tests.control_plane.routes import Route, Search, routes_of
from tests.interop.node import install, skip_without_node
from tests.support import Installation, Server, ask_token, make_tenant

_CHROMIUM = shutil.which("chromium")
_NPM = Path(__file__).parent / "npm"
_PHONE: ViewportSize = {"width": 390, "height": 844}
_DESK: ViewportSize = {"width": 1280, "height": 900}
_AT_ONCE = 3
_PATIENCE = 60_000  # milliseconds
_STATUS = {"/invitation": 422, "/no-such-page": 404}  # a link of no invitation; others are 200

_RUN_AXE = "more => axe.run(document, {resultTypes: ['violations'], preload: false, ...more})"
_OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # what the dark theme changes
_LINKS = "() => [...document.links].map(each => each.pathname)"
_WIDTH = "document.documentElement.scrollWidth"

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's chromium")


class Looked(msgspec.Struct, frozen=True):
    links: set[str]
    wrong: list[str]


@pytest.fixture
def search() -> Search:
    nowhere = Installation(owner_url="", control_url="postgresql://", data_url="")
    routes = routes_of(create_console(read_config(nowhere.environment())))
    mailbox = Route("GET", "/dev/mailbox", {"open": True})
    nothing = Route("GET", "/no-such-page", {})
    return Search([*(each for each in routes if each.shows_page), mailbox, nothing])


@pytest.fixture
async def email(server: Server, database: Database) -> str:
    """Make an account whose tenant has issued a token and refused one: no page is empty."""
    config = read_config(server.installation.environment(server.url))
    account = await make_account(database, PlanName.GROWTH)
    tenant = await make_tenant(database, config, account=account)
    await add_one_of_each(database, config, account, tenant.tenant_id, tenant.audience, "Acme")
    person_id, address = f"p_{token_hex(8)}", new_email()
    async with database.control() as connection:
        digest = await Passwords().digest(PASSWORD)
        await add_person(connection, person_id, address, digest)
        await change_person(connection, person_id, verified_at=datetime.now(UTC))
        await add_member(connection, account, person_id, Role.OWNER)
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await ask_token(http, tenant)).status_code == 200
        assert (await ask_token(http, tenant, scope="unknown")).status_code == 400
    return address


@pytest.fixture(scope="module")
def axe() -> str:
    skip_without_node("axe-core (npm) was not run")
    install(_NPM)
    return (_NPM / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture
async def contexts(console_url: str, email: str) -> AsyncIterator[dict[bool, BrowserContext]]:
    """Give a visitor's (True: of what is open) and that of an account's owner."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        made = {
            is_open: await browser.new_context(
                base_url=console_url, viewport=_DESK, reduced_motion="reduce"
            )
            for is_open in (True, False)
        }
        page = await made[False].new_page()
        await page.goto("/signin")
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.wait_for_url(lambda url: "signin" not in url, timeout=_PATIENCE)
        await page.close()
        yield made
        await browser.close()


@pytest.mark.timeout(600)  # seconds, of which a machine with nothing else to do needs some thirty
async def test_every_page_is_accessible_fits_a_phone_and_breaks_no_policy(
    search: Search, contexts: dict[bool, BrowserContext], axe: str
) -> None:
    doors, wrong = asyncio.Semaphore(_AT_ONCE), list[str]()

    async def look(route: Route, path: str) -> None:
        async with doors:
            seen = await _look_at(contexts[route.is_open], path, axe)
        search.follow(seen.links)
        wrong.extend(seen.wrong)

    while pages := search.next():
        await asyncio.gather(*(look(route, path) for route, path in pages))
    assert wrong == []
    assert not search.left, f"no page links to {sorted(search.left)}"


async def _look_at(context: BrowserContext, path: str, axe: str) -> Looked:
    page = await context.new_page()
    page.set_default_timeout(_PATIENCE)
    said: list[str] = []
    page.on("console", lambda each: said.append(f"{each.type}: {each.text}"))
    page.on("pageerror", lambda each: said.append(f"error: {each}"))
    try:
        answer = await page.goto(path)
        assert answer is not None, path
        if not (await answer.text()).startswith("<!doctype html>"):
            return Looked(set(), [])  # a piece of a page
        wrong = [] if answer.status == _STATUS.get(path, 200) else [f"status {answer.status}"]
        await page.evaluate(axe)
        for theme, rules in (("light", {}), ("dark", _OF_COLOURS)):
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            found = await page.evaluate(_RUN_AXE, rules)
            wrong += [f"{theme}: {_told(each)}" for each in found["violations"]]
            await _keep_picture(page, path, theme)
        await page.set_viewport_size(_PHONE)
        width = await page.evaluate(_WIDTH)
        wrong += [f"{width} px wide on a phone"] if width > _PHONE["width"] else []
        await _keep_picture(page, path, "phone")
        links = set(await page.evaluate(_LINKS))
    finally:
        await page.close()
    # that a page is not found, or a link too old, the browser says as well
    wrong += [each for each in said if each.startswith(("error", "warning")) and " 4" not in each]
    return Looked(links, [f"{path}: {each}" for each in wrong])


def _told(violation: dict[str, Any]) -> str:
    places = ", ".join(str(each["target"]) for each in violation["nodes"])
    return f"{violation['id']} ({violation['help']}) at {places}"


async def _keep_picture(page: Page, path: str, kind: str) -> None:
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        name = path.strip("/").replace("/", "-") or "start"
        await page.screenshot(path=f"{directory}/{name}-{kind}.png", full_page=True)
