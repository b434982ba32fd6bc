"""Every route of the console for a view of support's: what a member who only reads sees, and not
one form (hostile-inputs.md I11).

The routes are the application's own, so one that is added is walked.
"""

import re

import psycopg
import pytest

from control_plane.http.cookies import SUPPORT_VIEW
from control_plane.members.rules import MATRIX, Permission, Role
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, text_of
from tests.control_plane.everything import add_one_of_each
from tests.control_plane.routes import Route, Search, links_in, routes_of
from tests.control_plane.support.impersonation.viewing import recorded, viewing
from tests.control_plane.support_app import Support
from tests.isolation.populated import dump_of
from tests.support import Installation

pytestmark = pytest.mark.usefixtures("quick_keys")

_BANNER = "Support views"
_SECRET = re.compile(r"as_[a-z]{2}_[0-9A-Za-z]{20}|PRIVATE KEY|argon2|otpauth:")


def walked(console: Console) -> list[Route]:
    return [
        each
        for each in routes_of(console.application)
        if "outside" not in each.opt and not each.is_for_programs and not each.opt.get("view")
    ]


def is_seen(route: Route) -> bool:
    return route.method == "GET" and route.permission in MATRIX[Role.READ_ONLY]


def is_stream(route: Route) -> bool:
    return route.path.endswith(("/events", "/live"))


def test_a_view_sees_what_its_role_sees_and_that_role_only_sees() -> None:
    sees = {each for each in Permission if each.name.startswith("SEE_")}
    assert MATRIX[Role.READ_ONLY] == sees - {Permission.SEE_BILLING}


def test_few_routes_are_a_views_own(console: Console) -> None:
    own = {
        (each.method, each.path) for each in routes_of(console.application) if "view" in each.opt
    }
    assert own == {("GET", "/"), ("POST", "/support-view/end")}


async def test_it_gets_the_pages_that_only_show_and_changes_nothing(
    support: Support,
    console: Console,
    database: Database,
    installation: Installation,
) -> None:
    site = await make_site(console, database)
    async with viewing(support, console, site.account) as seen:
        with psycopg.connect(installation.owner_url) as owner:
            held = dump_of(owner, site.tenant)
        routes = walked(console)
        assert len([each for each in routes if each.method == "POST"]) > 40
        assert len([each for each in routes if is_seen(each)]) > 20
        for route in routes:
            if is_seen(route) and is_stream(route):
                continue  # it ends with the view: see test_view.py
            path = route.path.replace("{slug}", site.slug).replace("{client_id}", site.client_id)
            before = await recorded(database, site.account)
            if route.method == "GET":
                answer = await seen.view.get(path)
            else:
                answer = await seen.view.post(path, name="changed", slug="changed", typed=site.slug)
            assert (answer.status_code == 403) is not is_seen(route), (route, answer.status_code)
            assert answer.status_code < 500, (route, answer.text)
            assert SUPPORT_VIEW not in answer.headers.get("set-cookie", ""), route
            theirs, ours = await recorded(database, site.account)
            page = [f"support.view_page {path}"] if is_seen(route) else []
            assert theirs[len(before[0]) :] == page, route
            assert ours[len(before[1]) :] == page, route
        with psycopg.connect(installation.owner_url) as owner:
            assert dump_of(owner, site.tenant) == held


async def test_each_page_has_the_banner_and_none_a_secret(
    support: Support, console: Console, database: Database
) -> None:
    site = await make_site(console, database, PlanName.BUSINESS)
    await fill(console, database, site)
    seen_routes = [each for each in walked(console) if is_seen(each) and not is_stream(each)]
    search = Search(each for each in seen_routes if each.shows_page)
    async with viewing(support, console, site.account) as seen:
        search.follow({f"/tenants/{site.slug}"})
        while pages := search.next():
            for _, path in pages:
                answer = await seen.view.get(path)
                search.follow(links_in(answer.text))
                assert answer.status_code in {200, 303}, (path, answer.status_code)
                if answer.status_code == 200 and "<!doctype" in answer.text:
                    assert _BANNER in text_of(answer), path
                    assert 'action="/support-view/end"' in answer.text, path
                assert not _SECRET.search(answer.text), path
        assert {each for each in search.left if "{" not in each} == set()


async def fill(console: Console, database: Database, site: Site) -> None:
    async with site.browser() as member:
        page = await member.get(f"/tenants/{site.slug}/apis")
    audience = re.search(r"<code>(https?://[^<]+)</code>", page.text)
    assert audience, page.text
    await add_one_of_each(
        database, console.config, site.account, site.tenant, audience[1], "Everything"
    )
