"""A16: a tenant's settings, its export, and its danger zone, felt by the data plane too."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from control_plane.members.repository import list_members
from control_plane.members.rules import Role
from control_plane.tenants.actions import show_tenant
from shared.domain.plan import PlanName
from shared.domain.snapshot import TenantStatus
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import CONSOLE_URL, Console, make_account, text_of
from tests.control_plane.people.browsing import letters_to
from tests.faults.changes import all_answer, until_all_see
from tests.faults.worker_lines import lines_to_workers
from tests.support import Installation, Server, ask_token, make_tenant

pytestmark = pytest.mark.usefixtures("quick_keys")


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


@pytest.fixture
def settings_path(site: Site) -> str:
    return f"/tenants/{site.slug}/settings"


async def test_the_page_says_what_can_be_changed_and_what_never_does(
    site: Site, settings_path: str
) -> None:
    async with site.browser() as browser:
        text = text_of(await browser.get(settings_path))
        assert "it never changes" in text
        assert f"/t/{site.slug}" in text
        changed = await browser.post(settings_path, name=" <b>Acme</b> ")
        assert changed.headers["location"] == settings_path
        page = await browser.get(settings_path)
        assert "&lt;b&gt;Acme&lt;/b&gt;" in page.text
        refused = await browser.post(settings_path, name="")
        assert (refused.status_code, "printable characters" in refused.text) == (422, True)


async def test_suspending_asks_first_and_every_page_says_so_until_it_is_resumed(
    site: Site, settings_path: str, database: Database
) -> None:
    async with site.browser() as browser:
        refused = await browser.post(f"/tenants/{site.slug}/suspend")
        assert (refused.status_code, "Tick the box" in refused.text) == (422, True)
        await browser.post(f"/tenants/{site.slug}/suspend", sure="1")
        assert (await show_tenant(database, site.slug)).status is TenantStatus.SUSPENDED
        assert f"{site.slug} is suspended." in (await browser.get(site.clients)).text
        await browser.post(f"/tenants/{site.slug}/resume")
        assert "is suspended" not in (await browser.get(settings_path)).text


async def test_deleting_asks_for_the_slug_shows_a_banner_and_can_be_undone(
    site: Site, settings_path: str, database: Database
) -> None:
    async with site.browser() as browser:
        for path in ("delete", "refuse-tokens"):
            refused = await browser.post(f"/tenants/{site.slug}/{path}", typed=site.slug[:-1])
            assert (refused.status_code, "Nothing was changed" in refused.text) == (422, True)
        asked = await browser.post(f"/tenants/{site.slug}/delete", typed=site.slug)
        assert asked.headers["location"] == settings_path
        goes = (await show_tenant(database, site.slug)).deletes_at
        assert goes is not None
        page = await browser.get(site.clients)
        assert f"{site.slug} is on its way out" in page.text
        assert f"{goes:%Y-%m-%d %H:%M:%S} UTC" in page.text
        assert f"Goes on {goes:%Y-%m-%d}" in (await browser.get("/tenants")).text
        assert "Suspend issuing" not in (await browser.get(settings_path)).text
        refused = await browser.post(f"/tenants/{site.slug}/resume")
        assert (refused.status_code, "undo its deletion first" in refused.text) == (422, True)
        await browser.post(f"/tenants/{site.slug}/undo-deletion")
        assert "on its way out" not in (await browser.get(site.clients)).text
    assert (await show_tenant(database, site.slug)).deletes_at is None


async def test_the_owners_are_written_to_when_a_tenant_is_deleted(
    site: Site, database: Database
) -> None:
    async with site.browser(Role.ADMIN) as admin:
        await admin.post(f"/tenants/{site.slug}/delete", typed=site.slug)
        await admin.post(f"/tenants/{site.slug}/delete", typed=site.slug)  # once is enough
    async with database.control() as connection:
        members = await list_members(connection, site.account)
    for member in members:
        letters = await letters_to(database, member.email)
        assert len(letters) == (member.role is Role.OWNER)
        for letter in letters:
            assert letter.subject == f"The tenant {site.slug} will be deleted"
            assert letter.link == f"{CONSOLE_URL}/tenants/{site.slug}/settings"
    assert {each.role for each in members} == {Role.OWNER, Role.ADMIN}


async def test_who_signed_in_a_while_ago_confirms_what_cannot_be_taken_back(
    site: Site, settings_path: str, database: Database
) -> None:
    earlier = datetime.now(UTC) - timedelta(minutes=11)
    async with site.console.signed_in(site.account, now=earlier) as browser:
        for path in ("delete", "refuse-tokens"):
            answer = await browser.post(f"/tenants/{site.slug}/{path}", typed=site.slug)
            assert answer.headers["location"].startswith("/signin/again")
        page = await browser.get(settings_path)
        assert "confirm that it is you" in page.text
        assert "typed-delete" not in page.text
    assert (await show_tenant(database, site.slug)).deletes_at is None


async def test_a_developer_sees_the_settings_and_changes_none(
    site: Site, settings_path: str
) -> None:
    async with site.browser(Role.DEVELOPER) as browser:
        page = await browser.get(settings_path)
        assert page.status_code == 200
        assert 'class="main"' not in page.text
        assert 'class="danger"' not in page.text
        for path in ("settings", "suspend", "resume", "refuse-tokens", "delete", "undo-deletion"):
            answer = await browser.post(f"/tenants/{site.slug}/{path}", typed=site.slug, sure="1")
            assert answer.status_code == 403


async def sealed_things(installation: Installation, tenant: str) -> list[str]:
    """Give all of the tenant that is nobody's to see, in each way that JSON might spell it."""
    owner = await asyncpg.connect(installation.owner_url)
    rows = await owner.fetch(
        f'SELECT digest FROM "t_{tenant}".client_secret'  # noqa: S608 - an id of our own
        f' UNION ALL SELECT sealed FROM "t_{tenant}".signing_key'
    )
    await owner.close()
    octets = [row["digest"] for row in rows]
    spell = (bytes.hex, lambda each: b64encode(each).decode(), lambda each: str(each)[2:-1])
    return [each(held) for held in octets for each in spell]


async def test_the_export_has_the_whole_configuration_and_nothing_secret(
    site: Site, installation: Installation
) -> None:
    async with site.browser() as browser:
        secret = await browser.post(f"{site.client}/credentials", name="canary")
        answer = await browser.get(f"/tenants/{site.slug}/export")
    assert answer.headers["content-disposition"].endswith(f'"tenant-{site.slug}.json"')
    exported = answer.json()
    assert exported["tenant"]["slug"] == site.slug
    assert [each["algorithm"] for each in exported["signing_keys"]] == ["ES256"]
    (api,) = exported["apis"]
    (client,) = exported["clients"]
    assert client["client_id"] == site.client_id
    assert client["grants"] == {api["identifier"]: ["read", "write"]}
    assert "as_cs_" in secret.text
    assert "as_cs_" not in answer.text
    assert not {"digest", "sealed", "last_four", "d"} & set(names_in(exported))
    for each in await sealed_things(installation, site.tenant):
        assert each not in answer.text


def names_in(value: object) -> list[str]:
    """Name all members of all objects."""
    if isinstance(value, dict):
        return [*value, *(name for each in value.values() for name in names_in(each))]
    return [name for each in value for name in names_in(each)] if isinstance(value, list) else []


async def test_every_worker_refuses_and_issues_again(
    console: Console, database: Database, config: Config, server: Server
) -> None:
    account = await make_account(database, PlanName.BUSINESS)
    tenant = await make_tenant(database, config, account=account)
    base = f"/tenants/{tenant.slug}"

    async def issues(http: httpx.AsyncClient) -> bool:
        return (await ask_token(http, tenant)).status_code == httpx.codes.OK

    async def refuses(http: httpx.AsyncClient) -> bool:
        keys = await http.get(f"{tenant.issuer}/.well-known/jwks.json")
        assert (keys.status_code, len(keys.json()["keys"]) > 0) == (200, True)
        return (await ask_token(http, tenant)).status_code == httpx.codes.UNAUTHORIZED

    async with console.signed_in(account) as browser, lines_to_workers(server) as lines:
        assert await all_answer(lines, issues, expected=True)
        for stop, start in (("suspend", "resume"), ("delete", "undo-deletion")):
            await browser.post(f"{base}/{stop}", typed=tenant.slug, sure="1")
            await until_all_see(lines, refuses)
            await browser.post(f"{base}/{start}")
            await until_all_see(lines, issues)
