"""The console's routes as the application has them, and the pages that pages link to."""

import re
from collections.abc import AsyncIterator, Iterable
from types import NoneType
from typing import Any, get_args

import httpx
import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from control_plane.members.rules import Permission
from tests.control_plane.console import Browser

_LINK = re.compile(r'href="(/[^"?#]*)')


class Route(msgspec.Struct, frozen=True):
    method: str
    path: str  # with its parameters in braces
    opt: dict[str, Any]
    returns: Any = None

    @property
    def is_open(self) -> bool:
        return bool(self.opt.get("open"))

    @property
    def is_for_programs(self) -> bool:
        """Tell whether it is the management API's, which has a door of its own and no pages."""
        return self.path.startswith("/api/")

    @property
    def permission(self) -> Permission | None:
        found = self.opt.get("permission")
        return found if isinstance(found, Permission) else None

    @property
    def shows_page(self) -> bool:
        """Not a picture, a file, a stream or JSON; a piece of a page, or a way to one, may be."""
        text = get_args(self.returns) in {(str,), (Any,), (NoneType,)}
        return self.method == "GET" and "outside" not in self.opt and text

    def matches(self, path: str) -> bool:
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(self.path))
        return re.fullmatch(pattern, path) is not None


def routes_of(application: Litestar) -> list[Route]:
    return [
        Route(
            str(method),
            route.path_format,
            dict(handler.opt),
            handler.parsed_fn_signature.return_type.annotation,
        )
        for route in application.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    ]


class Search:
    """Finds each route's page: those without ids, and then whatever a page has linked to."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._all = list(routes)
        self.left = {each.path: each for each in self._all}
        self._fixed = {path for path in self.left if "{" not in path}
        self._links: set[str] = set()
        self._given: set[str] = set()

    def follow(self, links: Iterable[str]) -> None:
        self._links.update(links)

    def next(self) -> list[tuple[Route, str]]:
        """Give pages that are known now and were not given before: one of each route.

        Where none is left so, and some routes are, give another page of a route that was seen: a
        client of another kind has other pages.
        """
        given, others = [], []
        for path in sorted((self._fixed | self._links) - self._given):
            route = self._route_of(path)
            if route and self.left.pop(route.path, None):
                given.append((route, path))
            elif route and self.left:
                others.append((route, path))
        given = given or (others[:1] if self.left else [])
        self._given.update(path for _, path in given)
        return given

    def _route_of(self, path: str) -> Route | None:
        """Give the route of the path, which is that with the fewest parameters."""
        matching = [each for each in self._all if each.matches(path)]
        return min(matching, key=lambda each: each.path.count("{"), default=None)


def links_in(page: str) -> set[str]:
    return set(_LINK.findall(page))


async def pages_seen(
    browser: Browser, application: Litestar
) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Load every page of the signed-in person; what no page links to is an error."""
    shown = (each for each in routes_of(application) if each.shows_page and not each.is_open)
    search = Search(shown)
    while pages := search.next():
        for _, path in pages:
            answer = await browser.get(path)
            assert answer.status_code < 500, path
            search.follow({*links_in(answer.text), answer.headers.get("location", "")})
            yield path, answer
    assert not search.left, f"no page links to {sorted(search.left)}"
