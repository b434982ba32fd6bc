"""Support's search (C1): one field, which knows what it was given."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from control_plane.http.paging import page_number, query, search_text
from control_plane.staff.rules import StaffPermission
from control_plane.support.search.actions import search
from control_plane.support.search.rules import MOST, Kind
from control_plane.support.shown import SupportShower

_PATH = "/support/search"


@get(_PATH, opt={"staff": StaffPermission.SEE})
async def search_page(
    request: Request[Any, Any, Any], support: NamedDependency[SupportShower]
) -> Response[Any]:
    """Show what is found; an id that is of one thing leads to it."""
    typed = search_text(request.query_params.get("q", ""))
    number = page_number(request.query_params.get("page", ""))
    found = await search(support.database, support.acting(request), typed, number)
    if len(found.places) == 1 and not found.listed.total:
        return support.go(request, found.places[0].path)
    return support.show(
        request,
        "search/found.html",
        typed=typed,
        found=found,
        kinds=list(Kind),
        most=MOST,
        address=lambda number: _PATH + query(q=typed, page=number),
    )


SEARCH_PAGES = [search_page]
