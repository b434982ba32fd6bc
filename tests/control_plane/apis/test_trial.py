"""The Test tab against a real data plane: the token, what is made of it, and where it goes."""

import logging
from collections.abc import AsyncIterator

import msgspec
import pytest

from control_plane.apis.actions import find_api
from control_plane.apis.rules import ref_of
from control_plane.apis.trial import Asked, NoAnswer, try_token
from control_plane.clients.actions import register_client
from control_plane.clients.rules import NewClient
from shared.domain.client import AuthMethod, TokenProfile
from shared.domain.jwk import Algorithm
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Browser, Console, run_console, shown_secret, text_of
from tests.support import Server

pytestmark = pytest.mark.usefixtures("quick_keys")


@pytest.fixture
async def console(server: Server, database: Database) -> AsyncIterator[Console]:
    """The console beside a data plane that is served."""
    async with run_console(server.installation, database, server.url) as running:
        yield running


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with site.browser() as opened:
        yield opened


def page_of(site: Site) -> str:
    return f"/tenants/{site.slug}/apis/{ref_of(f'https://api.{site.slug}.example')}/test"


async def new_secret(site: Site, browser: Browser) -> str:
    return shown_secret(await browser.post(f"{site.client}/credentials"))


async def test_a_token_is_shown_decoded_and_verified_and_the_secret_is_kept_nowhere(
    site: Site, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = await new_secret(site, browser)
    fields = {"client": site.client_id, "secret": f" {secret}\n", "scope:read": "1"}
    page = await browser.post(page_of(site), **fields)
    shown = text_of(page)
    assert page.status_code == 200, shown
    assert page.headers["cache-control"] == "no-store"
    assert "A token was issued" in shown
    assert "Wrong" not in shown
    assert shown.count("Right") == 5
    assert f"https://api.{site.slug}.example" in shown
    assert "&#34;scope&#34;: &#34;read&#34;" in page.text
    assert secret not in page.text
    assert secret not in caplog.text


async def test_a_refusal_is_shown_as_the_client_would_meet_it(site: Site, browser: Browser) -> None:
    fields = {"client": site.client_id, "secret": "as_cs_wrong: %/é"}
    wrong = await browser.post(page_of(site), **fields)
    assert wrong.status_code == 200
    assert "Refused with status 401" in text_of(wrong)
    assert "invalid_client" in wrong.text
    fields = {"client": site.client_id, "secret": await new_secret(site, browser), "scope:x": "1"}
    assert "invalid_scope" in (await browser.post(page_of(site), **fields)).text


async def test_only_clients_with_a_secret_are_offered_and_a_named_one_is_chosen(
    site: Site, database: Database, browser: Browser
) -> None:
    api = f"https://api.{site.slug}.example"
    by_workload = NewClient(name="ci", apis=(api,), auth_method=AuthMethod.WORKLOAD_IDENTITY)
    peppers = site.console.config.secret_peppers
    other = await register_client(database, peppers, site.tenant, NewClient(name="zz", apis=(api,)))
    await register_client(database, peppers, site.tenant, by_workload)
    page = await browser.get(f"{page_of(site)}?client={other.client_id}")
    assert f'value="{other.client_id}" selected' in page.text
    assert ">ci (" not in page.text


async def test_an_issuer_that_does_not_answer_is_said(site: Site, database: Database) -> None:
    api = await find_api(database, site.tenant, f"https://api.{site.slug}.example")
    assert api is not None
    asked = Asked(client_id="c", client_secret="s", scopes=())
    assert "'s'" not in repr(asked)
    with pytest.raises(NoAnswer):
        await try_token("http://127.0.0.1:1/t/x", api, asked)


async def test_what_the_api_would_refuse_is_not_called_right(
    site: Site, database: Database, browser: Browser
) -> None:
    api = await find_api(database, site.tenant, f"https://api.{site.slug}.example")
    assert api is not None
    other = msgspec.structs.replace(api, algorithm=Algorithm.EDDSA, profile=TokenProfile.JWT)
    secret = await new_secret(site, browser)
    asked = Asked(client_id=site.client_id, client_secret=secret, scopes=())
    trial = await try_token(f"{site.console.config.public_url}/t/{site.slug}", other, asked)
    assert [each.name for each in trial.checks if not each.good] == ["signature", "typ"]
    assert trial.token not in repr(trial)
