"""The log's pages: what is found, a page at a time, why it failed, live, and nobody else's."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from control_plane.http import streams
from control_plane.members.rules import Role
from control_plane.usage import actions
from control_plane.usage.fixes import FIXES
from data_plane.protocol.errors import OAuthError
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, make_account, text_of
from tests.control_plane.streaming import streamed
from tests.control_plane.usage.happenings import issue, refusal, refuse
from tests.support import Installation

pytestmark = pytest.mark.usefixtures("quick_keys")

MINUTE = timedelta(minutes=1)
AHEAD = 9_999_999_999  # seconds since the epoch


class Logged(msgspec.Struct, frozen=True):
    site: Site
    jtis: list[UUID]  # of 3 tokens, the newest first
    now: datetime

    @property
    def path(self) -> str:
        return f"/tenants/{self.site.slug}/logs"


@pytest.fixture
async def logged(console: Console, database: Database, installation: Installation) -> Logged:
    """Three tokens, and between them what was refused."""
    site, now = await make_site(console, database), datetime.now(UTC)
    jtis = await issue(
        installation, site.tenant, site.client_id, *(now - n * 2 * MINUTE for n in (0, 1, 2))
    )
    await refuse(
        installation,
        refusal(site.tenant, now - MINUTE, client_id=site.client_id),
        refusal(
            site.tenant,
            now - 3 * MINUTE,
            error="invalid_client",
            reason="client authentication failed",
            address="2001:db8::7",
            request_id="feedfeedfeedfeed",
        ),
        refusal(
            site.tenant,
            now - 5 * MINUTE,
            client_id=site.client_id,
            endpoint="oauth/introspect",
            error="invalid_request",
        ),
    )
    return Logged(site, jtis, now)


def rows(text: str) -> int:
    return text.count("<tr>") - text.count("<thead><tr>")


async def test_the_log_has_what_was_issued_and_refused_the_newest_first(logged: Logged) -> None:
    async with logged.site.browser() as browser:
        page = await browser.get(logged.path)
        assert page.status_code == 200
        assert rows(page.text) == 6
        table = page.text.split("<tbody>")[1]
        first, last = str(logged.jtis[0]), str(logged.jtis[-1])
        assert table.index(first) < table.index("invalid_scope") < table.index(last)
        assert "my-first-service" in page.text
        assert "Kept for 30 days" in page.text


SEARCHES = {
    "client={client}": 5,
    "client=c_none": 0,
    "result=issued": 3,
    "result=refused": 3,
    "result=invalid_client": 1,
    "result=invalid_client&client={client}": 0,
    "event=oauth/introspect": 1,
    "event=oauth/token": 5,
    "q=2001:db8:0::7": 1,
    "q=feedfeedfeedfeed": 1,
    "q={jti}": 1,
    "q={jti}&until=2026-01-01": 0,
    "q=<img onerror>'": 0,
    "since={fourth}": 4,
    "until={fourth}": 3,  # that minute is looked at whole
    "until=nonsense&since=9999-99-99&result=nothing&event=else": 6,
    "until=0001-01-01T00:00&before=nothing": 6,
}


async def test_it_is_searched(logged: Logged) -> None:
    given = {
        "client": logged.site.client_id,
        "jti": str(logged.jtis[1]),
        "fourth": f"{logged.now - 3 * MINUTE:%Y-%m-%dT%H:%M}",
    }
    async with logged.site.browser(Role.READ_ONLY) as browser:
        for query, expected in SEARCHES.items():
            page = await browser.get(f"{logged.path}?{query.format(**given)}")
            assert rows(page.text) == expected, query
            assert ("Nothing found" in page.text) is (expected == 0)
            assert "<img" not in page.text.split("<main")[1]


async def test_its_pages_miss_and_repeat_nothing(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_plane.usage.log_pages._SIZE", 2)
    await walk_pages(logged, expected=6)


async def test_a_search_that_would_look_through_too_much_goes_on_where_it_ended(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_LOOKED_THROUGH", 1)
    async with logged.site.browser() as browser:
        page = await browser.get(f"{logged.path}?q=feedfeedfeedfeed")
        assert "Look further back" in page.text
        assert "Nothing found" not in page.text
    await walk_pages(logged, expected=6)
    await walk_pages(logged, expected=1, query="&q=feedfeedfeedfeed")


async def walk_pages(logged: Logged, expected: int, query: str = "") -> None:
    seen: list[str] = []
    async with logged.site.browser() as browser:
        path = f"{logged.path}?{query}"
        for _ in range(10):
            page = await browser.get(path)
            seen += [each.split('"')[0] for each in page.text.split(f'href="{logged.path}/')[1:]]
            older = [each for each in page.text.split('href="') if each.startswith(logged.path)]
            older = [each.split('"')[0] for each in older if "before=" in each.split('"')[0]]
            if not older:
                break
            path = older[-1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == expected
    times = [UUID(each).int >> 80 for each in seen]
    assert times == sorted(times, reverse=True)


async def test_an_entry_says_why_it_failed_and_what_to_do(logged: Logged) -> None:
    async with logged.site.browser() as browser:
        found = await browser.get(f"{logged.path}?q=feedfeedfeedfeed")
        entry = found.text.split(f'href="{logged.path}/')[1].split('"')[0]
        page = text_of(await browser.get(f"{logged.path}/{entry}"))
        assert "Client authentication failed." in page
        assert FIXES["invalid_client"] in page
        assert "2001:db8::7" in page
        assert "feedfeedfeedfeed" in page
        token = text_of(await browser.get(f"{logged.path}/{logged.jtis[0]}"))
        assert str(logged.jtis[0]) in token
        assert "Why it failed" not in token


def test_each_error_has_a_sentence_that_says_what_to_do() -> None:
    codes = {each.code for each in kinds_of(OAuthError)} - {"not_found"}  # of no issuer's
    assert codes == set(FIXES)


def kinds_of(error: type[OAuthError]) -> set[type[OAuthError]]:
    below = set(error.__subclasses__())
    return below.union(*(kinds_of(each) for each in below))


async def test_what_is_older_than_the_plans_days_is_not_seen(
    console: Console, database: Database, installation: Installation
) -> None:
    site = await make_site(console, database, PlanName.SANDBOX)
    old = datetime.now(UTC) - timedelta(days=3, minutes=1)
    owner_made = refusal(site.tenant, old, request_id="feedfeedfeedfeed")
    await make_day(installation, old)
    await refuse(installation, owner_made)
    found = await actions.list_log(database, site.tenant, client_id=None, limit=9)
    assert [each.request_id for each in found] == ["feedfeedfeedfeed"]
    async with site.browser() as browser:
        path = f"/tenants/{site.slug}/logs"
        assert rows((await browser.get(path)).text) == 0
        assert rows((await browser.get(f"{path}?q={found[0].id}")).text) == 0
        assert rows((await browser.get(f"{path}?since=2001-01-01")).text) == 0
        assert (await browser.get(f"{path}/{found[0].id}")).status_code == 404
        assert "Kept for 3 days" in (await browser.get(path)).text


async def make_day(installation: Installation, at: datetime) -> None:
    owner = await asyncpg.connect(installation.owner_url)
    for table in ("refused", "issued"):
        await owner.execute("SELECT ledger.make_day($1, $2)", table, at.date())
    await owner.close()


async def test_anothers_entry_answers_as_one_that_is_not_there(
    logged: Logged, console: Console, database: Database
) -> None:
    other = await make_site(console, database)
    async with other.browser() as browser:
        base = f"/tenants/{other.slug}/logs"
        absent = await browser.get(f"{base}/{uuid4()}")
        for entry in (*logged.jtis, "nothing"):
            answer = await browser.get(f"{base}/{entry}")
            assert (answer.status_code, text_of(answer)) == (404, text_of(absent))
        assert rows((await browser.get(f"{base}?q={logged.jtis[0]}")).text) == 0
        assert rows((await browser.get(f"{base}?client={logged.site.client_id}")).text) == 0
        assert "Nothing has happened yet" in (await browser.get(base)).text


@pytest.fixture
def quick_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_TURN", 0.05)
    monkeypatch.setattr(streams, "_TURNS", 10_000)


@pytest.mark.usefixtures("quick_turns")
async def test_what_happens_shows_live_until_one_signs_out(
    logged: Logged, installation: Installation
) -> None:
    site = logged.site
    async with (
        site.browser() as browser,
        streamed(
            site.console, browser, f"{logged.path}/events?result=refused&until={AHEAD}"
        ) as live,
    ):
        assert rows(await live.next() or "") == 3
        new = refusal(site.tenant, datetime.now(UTC), error="invalid_target", reason="no such")
        await refuse(installation, new)
        text = await live.next() or ""
        assert rows(text) == 4
        assert text.index("invalid_target") < text.index("invalid_scope")
        await browser.post("/signout")
        ended = await live.next() or ""
        assert "Sign in" in ended
        assert logged.site.client_id not in ended
        assert "event: done" in ended + (await live.next() or "")


@pytest.mark.usefixtures("quick_turns")
async def test_a_person_has_so_many_live_views_at_once_and_no_more(logged: Logged) -> None:
    site, path = logged.site, f"{logged.path}/events?until={AHEAD}"
    async with site.browser() as browser:
        async with (
            streamed(site.console, browser, path) as first,
            streamed(site.console, browser, path) as second,
            streamed(site.console, browser, path) as third,
            streamed(site.console, browser, path) as fourth,
        ):
            for each in (first, second, third, fourth):
                assert rows(await each.next() or "") == 6
            async with streamed(site.console, browser, path) as fifth:
                assert "as many live views open" in (await fifth.next() or "")
        async with streamed(site.console, browser, path) as again:
            assert rows(await again.next() or "") == 6


async def test_a_live_view_that_was_left_alone_stops(logged: Logged) -> None:
    async with logged.site.browser() as browser:
        answer = await browser.get(f"{logged.path}/events?until=1")
        assert "Nobody was here for 20 minutes" in answer.text
        assert answer.text.endswith("event: done\ndata:\n\n")
        page = await browser.get(f"{logged.path}?live=1&result=issued")
        assert 'hx-sse:connect="' in page.text
        assert rows(page.text) == 3  # without JavaScript too


async def test_an_account_without_a_tenant_has_no_log(
    console: Console, database: Database, logged: Logged
) -> None:
    async with console.signed_in(await make_account(database)) as browser:
        assert (await browser.get(logged.path)).status_code == 404
        assert (await browser.get(f"{logged.path}/events")).status_code == 404
