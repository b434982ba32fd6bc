"""The page of a month's usage, and the file of it."""

import csv
import io
from datetime import UTC, datetime

import asyncpg
import pytest

from control_plane.members.rules import Role
from control_plane.usage.months import neighbours
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, make_account, text_of
from tests.control_plane.usage.happenings import count
from tests.ledgers import opened_ledger
from tests.support import Installation

pytestmark = pytest.mark.usefixtures("quick_keys")

_ROLLED_UP = """
INSERT INTO ledger.usage_day VALUES (current_date, $1, $2, $3, $4, 'issued')
ON CONFLICT (tenant, client_id, day, api, event) DO UPDATE SET count = excluded.count
"""


@pytest.fixture
async def used(console: Console, database: Database, installation: Installation) -> Site:
    """A client of which 80 tokens were counted for its API, which are live for an hour each."""
    site = await make_site(console, database)
    api = f"https://api.{site.slug}.example"
    async with opened_ledger(installation.data_url) as real:
        await count(
            real,
            site.tenant,
            [
                (site.client_id, api, "issued", 80),
                (site.client_id, "=HYPERLINK()", "issued", 5),
                (site.client_id, "", "introspected", 3),
                (site.client_id, "", "refused:invalid_scope", 2),
                ("", "", "refused:invalid_client", 7),
                (site.client_id, "", "limited", 4),
            ],
        )
    return site


async def test_a_month_is_shown_by_client_api_and_error(used: Site) -> None:
    async with used.browser(Role.READ_ONLY) as browser:
        page = await browser.get(f"/tenants/{used.slug}/usage")
        text = text_of(page)
        for words in (
            "Tokens issued 85",
            "Refused 9",
            "Rate-limited 4",
            "Introspections 3",
            "my-first-service 85",
            "invalid_client 7",
        ):
            assert words in text, words
        assert page.text.count('role="img"') == 4
        assert page.text.count("As a table") == 4
        assert "<style" not in page.text
        assert "style=" not in page.text


async def test_who_asks_for_more_tokens_than_are_of_use_is_told(
    used: Site, installation: Installation
) -> None:
    api, owner = f"https://api.{used.slug}.example", await asyncpg.connect(installation.owner_url)
    path = f"/tenants/{used.slug}/usage"
    async with used.browser() as browser:
        for tokens, told in ((72, False), (80, True)):
            await owner.execute(_ROLLED_UP, tokens, used.tenant, used.client_id, api)
            text = text_of(await browser.get(path))
            words = "my-first-service for " + api
            assert (f"{words} : {tokens} on one day" in text) is told
        assert "tokens live 3,600 s, so 24 would do" in text
    await owner.close()


async def test_the_file_has_all_and_runs_nothing(used: Site) -> None:
    today = datetime.now(UTC)
    async with used.browser() as browser:
        answer = await browser.get(f"/tenants/{used.slug}/usage/export?month={today:%Y-%m}")
        assert answer.headers["content-disposition"] == (
            f'attachment; filename="usage-{used.slug}-{today:%Y-%m}.csv"'
        )
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        counts = {(each["client_id"], each["api"], each["event"]): each["count"] for each in rows}
        assert counts[used.client_id, "'=HYPERLINK()", "issued"] == "5"
        assert counts["", "", "refused:invalid_client"] == "7"
        assert len(rows) == 6
        assert {each["day"] for each in rows} <= {
            f"{today:%Y-%m-%d}",
            f"{datetime.now(UTC):%Y-%m-%d}",
        }


async def test_another_month_is_picked_and_an_empty_one_says_so(used: Site) -> None:
    before, _ = neighbours(f"{datetime.now(UTC):%Y-%m}")
    async with used.browser() as browser:
        path = f"/tenants/{used.slug}/usage"
        first = await browser.get(path)
        assert f'href="{path}?month={before}"' in first.text
        empty = await browser.get(f"{path}?month={before}")
        assert f"Nothing in {before}" in empty.text
        for nonsense in ("9999-12", "0001-01", "<img>"):
            assert "Tokens issued" in (await browser.get(f"{path}?month={nonsense}")).text
        fragment = await browser.get(path, HX_Request="true")
        assert "<html" not in fragment.text


async def test_nobody_elses_usage_is_counted(
    used: Site, console: Console, database: Database
) -> None:
    other = await make_site(console, database)
    async with other.browser() as browser:
        page = await browser.get(f"/tenants/{other.slug}/usage")
        assert "No token was asked for in this month" in page.text
        export = await browser.get(f"/tenants/{other.slug}/usage/export")
        assert export.text == "day,client_id,api,event,count\r\n"
    async with console.signed_in(await make_account(database)) as browser:
        for path in ("usage", "usage/export"):
            answer = await browser.get(f"/tenants/{used.slug}/{path}")
            assert answer.status_code == 404
