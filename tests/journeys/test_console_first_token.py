"""From sign-up to a token with copy and paste, and on: `dev`, Chromium, the copied curl."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, async_playwright

from tests.conftest import free_port
from tests.control_plane.cli.development import run_dev

_CHROMIUM = shutil.which("chromium")
_PASSWORD = "correct horse battery"
_PATIENCE = 60_000  # milliseconds

pytestmark = [
    pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's chromium"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]


@pytest.fixture
def console_url(tmp_path: Path) -> Iterator[str]:
    port, console_port = free_port(), free_port()
    with run_dev(tmp_path / "dev", port, "--json", "--console-port", str(console_port)) as dev:
        yield str(dev.announced()["console_url"])


@pytest.fixture
async def page(console_url: str) -> AsyncIterator[Page]:
    """A page; the policy of what it may load must not have been broken when it is left."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(base_url=console_url)
        broken: list[str] = []
        context.on("console", lambda each: broken.append(each.text))
        opened = await context.new_page()
        opened.set_default_timeout(_PATIENCE)
        yield opened
        await browser.close()
    assert [each for each in broken if "Content Security Policy" in each] == []


async def _mailed_link(page: Page) -> str:
    """Look into the mailbox until a letter is there."""
    for _ in range(100):
        await page.goto("/dev/mailbox")
        links = page.locator("a[href*='/verify?token=']")
        if await links.count():
            return str(await links.first.get_attribute("href"))
        await page.wait_for_timeout(200)
    pytest.fail("no letter came")


async def test_from_sign_up_to_a_token_a_rotation_and_a_limit(page: Page) -> None:
    await _sign_up(page)
    command = await _get_first_token(page)
    await _see_log_live(page, command)
    await _rotate(page)
    await _meet_limit(page)
    await _verify_audit_log(page)
    await _switch_tenant(page)


async def _sign_up(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Create an account").click()
    await page.get_by_label("E-mail").fill("first@acme.example")
    await page.get_by_label("Password").fill(_PASSWORD)
    await page.get_by_label("Company or project").fill("Acme")
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("heading", name="Check your mail").wait_for()
    await page.goto(await _mailed_link(page))
    await page.get_by_role("button", name="Confirm and go on").click()


async def _get_first_token(page: Page) -> str:
    """Run the copied command; the page must turn green without a reload. Give the command."""
    await page.get_by_role("button", name="Make it").click()
    await page.get_by_text("Waiting for your first token request").wait_for()
    curl = page.locator("[data-copy^='curl']").first
    command = str(await curl.get_attribute("data-copy"))
    token = await _run(command)
    assert (token["token_type"], token["scope"]) == ("Bearer", "read write")
    await page.get_by_text("Your first token was issued").wait_for()
    return command


async def _run(command: str) -> dict[str, str | int]:
    done = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await done.communicate()
    return msgspec.json.decode(printed, type=dict[str, str | int])


async def _see_log_live(page: Page, command: str) -> None:
    """Watch a refusal arrive without a reload, and read what to do about it."""
    await page.get_by_role("link", name="Logs").click()
    await page.get_by_role("link", name="Live").click()
    await page.get_by_text("within a second or two").wait_for()
    assert "error" in await _run(command.replace("read write", "read all"))
    row = page.get_by_role("row").filter(has_text="invalid_scope")
    await row.get_by_role("link").first.click()
    await page.get_by_role("heading", name="Why it failed").wait_for()
    await page.get_by_text("Ask only for scopes that the client is granted").wait_for()


async def _rotate(page: Page) -> None:
    await page.goto("/tenants/acme-test/clients")
    await page.get_by_role("link", name="my-first-service").click()
    await page.get_by_role("link", name="Credentials").click()
    await page.get_by_role("button", name="Start the rotation").click()
    secret = re.compile(r"as_cs_[A-Za-z0-9]{49}")
    await page.get_by_text(secret).first.wait_for()
    await page.get_by_role("link", name="Credentials").click()
    await page.get_by_role("heading", name="Add a secret").wait_for()
    assert not secret.search(await page.inner_text("main")), "it is shown once"


async def _meet_limit(page: Page) -> None:
    """A Sandbox account has one seat, and says so when a second is asked for."""
    await page.get_by_role("link", name="Team").click()
    await page.get_by_label("E-mail").fill("second@acme.example")
    await page.get_by_role("button", name="Send invitation").click()
    await page.get_by_text(re.compile("limit|seat", re.IGNORECASE)).first.wait_for()
    await page.goto("/team")
    assert "Nobody is invited" in await page.inner_text("main")


async def _verify_audit_log(page: Page) -> None:
    await page.goto("/tenants/acme-test/audit")
    text = await page.inner_text("main")
    assert all(action in text for action in ("tenant.create", "client.register", "secret."))
    await page.get_by_role("button", name="Verify chain").click()
    await page.locator(".note.good").wait_for()


async def _switch_tenant(page: Page) -> None:
    """Find the tenant as it is typed: with the keyboard alone, from any page."""
    await page.goto("/you")
    await page.get_by_role("button", name="Switch tenant: Choose a tenant").press("Enter")
    found = page.locator("#switcher-found")
    await found.get_by_role("link", name="acme-test").wait_for()
    await page.keyboard.type("nothing")
    await found.get_by_text("No tenant has “nothing”").wait_for()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("ACME")
    await found.get_by_role("link", name="acme-test").press("Enter")
    await page.wait_for_url("**/tenants/acme-test")
