"""Each page that names a tenant or a client, for who has none of it (hostile-inputs.md I9)."""

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from control_plane.members.rules import MATRIX, Permission, Role
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Browser, Console

pytestmark = pytest.mark.usefixtures("quick_keys")

_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def routes_of_tenants(application: Litestar) -> Iterator[tuple[str, str, Permission | None]]:
    """Give method, path and permission of each page that names a tenant.

    The management API has a walk of its own.
    """
    for route in application.routes:
        is_api = route.path.startswith("/api/")
        if isinstance(route, HTTPRoute) and "{slug" in route.path_format and not is_api:
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    yield str(method), route.path_format, handler.opt.get("permission")


async def ask(browser: Browser, method: str, path: str) -> tuple[int, str]:
    answer = await browser.post(path) if method in _UNSAFE else await browser.get(path)
    return answer.status_code, answer.text


def filled(path: str, slug: str, client_id: str) -> str:
    return path.replace("{slug}", slug).replace("{client_id}", client_id)


async def test_anothers_tenant_and_client_answer_as_absent_ones(
    console: Console, database: Database
) -> None:
    own, other = await make_site(console, database), await make_site(console, database)
    async with own.browser() as browser:
        routes = list(routes_of_tenants(console.application))
        assert len(routes) > 15
        for method, path, _ in routes:
            theirs = await ask(browser, method, filled(path, other.slug, other.client_id))
            absent = await ask(browser, method, filled(path, "no-such-tenant", "c_none"))
            assert theirs == absent, path
            assert theirs[0] == 404, path
            if "{client_id}" in path:
                mixed = await ask(browser, method, filled(path, own.slug, other.client_id))
                assert mixed == await ask(browser, method, filled(path, own.slug, "c_none")), path
                assert mixed[0] == 404, path
    await is_untouched(other)


async def is_untouched(site: Site) -> None:
    async with site.browser() as browser:
        page = await browser.get(f"{site.client}/credentials")
        assert page.text.count("as_cs_…") == 1
        assert "Enabled" in page.text


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_passes_where_its_permissions_say_so_and_nowhere_else(
    console: Console, database: Database, role: Role
) -> None:
    site = await make_site(console, database)
    async with site.browser(role) as browser:
        for method, path, permission in routes_of_tenants(console.application):
            if permission in MATRIX[role] and method in _UNSAFE:
                continue  # what it does is tested where it is
            if path.endswith("/events"):
                continue
            status, _ = await ask(browser, method, filled(path, site.slug, site.client_id))
            allowed = permission in MATRIX[role]
            assert (status == 403) is not allowed, (method, path, status)
    await is_untouched(site)


@pytest.mark.parametrize("text", ["a%00b", "%ff", "9" * 30, "-1"])
async def test_an_address_of_nonsense_is_never_our_mistake(
    console: Console, database: Database, text: str
) -> None:
    """PostgreSQL, and the file system, keep no U+0000; no number has thirty digits."""
    site = await make_site(console, database)
    async with site.browser() as browser:
        for path, named, asked in routes_with_text(console.application):
            without = [path.replace(f"{{{name}}}", text) for name in named]
            asking = [f"{path}?{name}={text}" for name in asked]
            for each in without + asking:
                address = filled(each, site.slug, site.client_id)
                assert (await browser.get(address)).status_code < 500, address


def routes_with_text(application: Litestar) -> Iterator[tuple[str, list[str], list[str]]]:
    """Give path, its parameters and those of the query, of each page."""
    for route in application.routes:
        if isinstance(route, HTTPRoute) and not route.path.startswith("/api/"):
            for handler in route.route_handlers:
                if "GET" in handler.http_methods and not route.path_format.endswith("/events"):
                    named = list(route.path_parameters)
                    taken = handler.parsed_fn_signature.parameters
                    yield route.path_format, named, [n for n in taken if n not in named]
