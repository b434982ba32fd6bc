"""The audit log's pages: filters, pages, export, the chain verified; and nobody else's tenant."""

import csv
import io
import json
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest

from control_plane.audit.actions import record
from control_plane.audit.rules import Actor, ActorKind, Noted
from control_plane.members.rules import Role
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.ids import TenantId, schema_of
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import Console, make_account, text_of
from tests.support import Installation, new_slug

EVE = Actor(kind=ActorKind.PERSON, id="p_eve", email="eve@example.org", address="192.0.2.7")
CHANGES = 60


class Logged(msgspec.Struct, frozen=True):
    account: str
    slug: str
    tenant: TenantId

    @property
    def path(self) -> str:
        return f"/tenants/{self.slug}/audit"


@pytest.fixture
async def logged(database: Database, sealer: Sealer, quick_keys: None) -> Logged:  # noqa: ARG001 - it acts by being there
    account, slug = await make_account(database), new_slug()
    tenant = await create_tenant(database, sealer, NewTenant(slug=slug, name="A", account=account))
    async with database.tenant(tenant) as connection:
        for number in range(CHANGES):
            noted = Noted("client.change", f"client c_{number}", {"name": "a"}, {"name": "<b>"})
            await record(connection, EVE, noted)
        await record(connection, EVE, Noted("api.create", "=HYPERLINK()"))
    return Logged(account, slug, tenant)


async def test_the_log_is_paged_the_newest_first(console: Console, logged: Logged) -> None:
    async with console.signed_in(logged.account) as browser:
        first = await browser.get(logged.path)
        assert first.status_code == 200
        assert "=HYPERLINK()" in first.text
        assert "c_59" in first.text
        assert "c_5<" not in first.text
        assert "&lt;b&gt;" in first.text
        assert "<b>" not in first.text
        oldest = await browser.get(f"{logged.path}?before=13")
        assert "tenant.create" in oldest.text
        assert f'href="{logged.path}?before=13"' in first.text
        assert "Newest" in oldest.text


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("who=EVE@", CHANGES + 1),
        ("who=p_eve", CHANGES + 1),
        ("who=p_ev", 0),
        ("who=operator", 1),
        ("action=client", CHANGES),
        ("action=client.change&target=c_59", 1),
        ("target=%25", 0),
        (f"since={datetime.now(UTC):%Y-%m-%d}&until=9998-01-01", CHANGES + 2),
        ("until=2026-01-01", 0),
        ("since=nonsense", CHANGES + 2),
    ],
)
async def test_filters_hold_for_the_export_too(
    console: Console, logged: Logged, query: str, rows: int
) -> None:
    async with console.signed_in(logged.account, Role.READ_ONLY) as browser:
        lines = (await browser.get(f"{logged.path}/export?format=jsonl&{query}")).text
        assert len(lines.splitlines()) == rows
        page = await browser.get(f"{logged.path}?{query}")
        assert page.text.count("<time") == min(rows, 50)
        assert ("No such event" in page.text) is (rows == 0)


async def test_the_export_is_a_file_that_a_spreadsheet_runs_nothing_of(
    console: Console, logged: Logged
) -> None:
    async with console.signed_in(logged.account) as browser:
        answer = await browser.get(f"{logged.path}/export?format=csv&who=eve")
        read = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        assert [each["target"] for each in read[:2]] == ["'=HYPERLINK()", "client c_59"]
        assert len(read) == CHANGES + 1
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["cache-control"] == "no-store"
        lines = await browser.get(f"{logged.path}/export?format=jsonl")
        assert json.loads(lines.text.splitlines()[1])["after"] == {"name": "<b>"}


async def test_the_button_says_whether_the_chain_is_whole(
    console: Console, logged: Logged, installation: Installation
) -> None:
    async with console.signed_in(logged.account) as browser:
        whole = await browser.post(f"{logged.path}/verify")
        assert "All 62 events are as they were recorded." in whole.text
        owner = await asyncpg.connect(installation.owner_url)
        await owner.execute(
            f'DELETE FROM "{schema_of(logged.tenant)}".audit_event WHERE seq = 30'  # noqa: S608 - our own id
        )
        await owner.close()
        assert "Event 30 was deleted." in (await browser.post(f"{logged.path}/verify")).text


async def test_another_accounts_log_is_as_one_that_is_not_there(
    console: Console, logged: Logged, database: Database
) -> None:
    async with console.signed_in(await make_account(database)) as browser:
        absent = await browser.get("/tenants/not-there-at-all/audit")
        assert absent.status_code == 404
        for path in (logged.path, f"{logged.path}/export?format=csv"):
            answer = await browser.get(path)
            assert (answer.status_code, text_of(answer)) == (404, text_of(absent))
        answer = await browser.post(f"{logged.path}/verify")
        assert (answer.status_code, text_of(answer)) == (404, text_of(absent))


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_the_log_or_not(console: Console, logged: Logged, role: Role) -> None:
    expected = 403 if role is Role.BILLING else 200
    async with console.signed_in(logged.account, role) as browser:
        assert (await browser.get(logged.path)).status_code == expected
        assert (await browser.get(f"{logged.path}/export")).status_code == expected
        assert (await browser.post(f"{logged.path}/verify")).status_code == expected


async def test_the_accounts_log_is_a_page_too(
    console: Console, logged: Logged, database: Database
) -> None:
    """With the same filters, export and verification; another account's is another log."""
    async with console.signed_in(logged.account) as browser:
        page = await browser.get("/audit")
        assert "Audit log of the account" in page.text
        assert "account.create" in page.text
        assert "tenant.create" in page.text
        assert "client c_1" not in page.text
        assert "Kept for 3 days by your plan" in page.text
        filtered = await browser.get("/audit?action=tenant")
        assert "account.create" not in filtered.text
        lines = (await browser.get("/audit/export?format=jsonl&action=tenant")).text.splitlines()
        assert [json.loads(each)["target"] for each in lines] == [f"tenant {logged.slug}"]
        verified = await browser.post("/audit/verify")
        assert "All 2 events are as they were recorded." in verified.text
    async with console.signed_in(await make_account(database)) as browser:
        assert logged.slug not in (await browser.get("/audit")).text
        assert logged.slug not in (await browser.get("/audit/export")).text
    async with console.signed_in(logged.account, Role.BILLING) as browser:
        assert (await browser.get("/audit")).status_code == 403
        assert (await browser.get("/audit/export")).status_code == 403
        assert (await browser.post("/audit/verify")).status_code == 403
        assert "/audit" not in (await browser.get("/you")).text
