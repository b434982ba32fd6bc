"""`/dev/mailbox`: the letters that were caught, so that their links can be followed."""

from typing import Any, TypeAlias

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from control_plane.dev.mailbox import Mailbox
from control_plane.http.rendering import Pages

_PAGE = 20
_OPEN = {"open": True}
_NOTHING_NEW = 204  # htmx leaves the page as it is, and the keyboard where it is

AnyRequest: TypeAlias = Request[Any, Any, Any]


@get("/dev/mailbox", opt=_OPEN)
async def mailbox_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    mailbox: NamedDependency[Mailbox],
    before: FromQuery[int | None] = None,
) -> Response[str]:
    """Show the newest, or those that came before a number."""
    return _show(request, pages, mailbox, before)


@get("/dev/mailbox/news", opt=_OPEN)
async def mailbox_news(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    mailbox: NamedDependency[Mailbox],
    seen: FromQuery[int] = 0,
) -> Response[Any]:
    """Show the newest once there is a letter that the page has not."""
    if seen == mailbox.newest:
        return Response(None, status_code=_NOTHING_NEW, headers=dict(pages.headers))
    return _show(request, pages, mailbox, None)


MAILBOX_PAGES = [mailbox_page, mailbox_news]


def _show(request: AnyRequest, pages: Pages, mailbox: Mailbox, before: int | None) -> Response[str]:
    caught = [each for each in mailbox.letters if before is None or each.number < before]
    shown = caught[:_PAGE]
    older = shown[-1].number if len(caught) > _PAGE else None
    seen = mailbox.newest if before is None else None
    return pages.show(request, "dev/mailbox.html", letters=shown, older=older, seen=seen)
