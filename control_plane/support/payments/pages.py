"""Stripe's events (C6), and our counts beside Stripe's (C7): over all accounts.

What an event holds of a customer is with the account's own pages, which a grant opens.
"""

from datetime import UTC, date, datetime

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from control_plane.billing.books import FETCH_MISSING, RECONCILE
from control_plane.http.forms import one_of
from control_plane.http.paging import SIZE, Listed, page_number, query, search_text
from control_plane.staff.rules import StaffPermission
from control_plane.support.payments import actions, repository
from control_plane.support.payments.account_pages import ACCOUNT_PAYMENT_PAGES, acted
from control_plane.support.payments.actions import LOST_EVENTS, RECONCILIATION, how_stands
from control_plane.support.payments.repository import Sought
from control_plane.support.payments.rules import EventState
from control_plane.support.shown import AnyRequest, SupportShower

_SEES = {"staff": StaffPermission.SEE_PAYMENTS}
_CHANGES = {"staff": StaffPermission.CHANGE_PAYMENTS}

_EVENTS, _RECONCILIATION = "/support/payments/events", "/support/payments/reconciliation"
_FIELDS = ("state", "type", "account", "since")


@get("/support/payments", opt=_SEES, sync_to_thread=False)
def payments_page(request: AnyRequest, support: NamedDependency[SupportShower]) -> Response[None]:
    return support.go(request, _EVENTS)


@get(_EVENTS, opt=_SEES)
async def events_page(
    request: AnyRequest, support: NamedDependency[SupportShower]
) -> Response[str]:
    given = request.query_params
    form = {name: search_text(str(given.get(name, ""))) for name in _FIELDS}
    before = search_text(str(given.get("before", "")))
    async with support.database.control() as connection:
        found = await repository.list_events(
            connection, _sought(form), before=before, limit=SIZE + 1
        )
    shown = found[:SIZE]
    older = query(**form, before=shown[-1].id) if len(found) > SIZE else ""
    return support.show(
        request,
        "payments/events.html",
        events=shown,
        form=form,
        states=list(EventState),
        filtered=any(form.values()),
        newest=_EVENTS + query(**form) if before else "",
        older=_EVENTS + older if older else "",
        looked=await how_stands(support.database, FETCH_MISSING, LOST_EVENTS),
    )


@post("/support/payments/fetch-missing", opt=_CHANGES, status_code=200)
async def fetch_missing(
    request: AnyRequest, support: NamedDependency[SupportShower]
) -> Response[None]:
    await actions.fetch_missing(support.database, support.act(request))
    return support.go(request, _EVENTS)


@get("/support/payments/events/{event_id:str}", opt=_SEES)
async def event_page(
    request: AnyRequest, event_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[None] | Response[str]:
    """Lead to the account's page where it is of one; nobody's has no other to be shown on."""
    return await _show_event(request, support, event_id)


@post("/support/payments/events/{event_id:str}/replay", opt=_CHANGES, status_code=200)
async def replay_event(
    request: AnyRequest, event_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[None] | Response[str]:
    error = await acted(actions.replay(support.database, support.act(request), event_id, None))
    return await _show_event(request, support, event_id, error)


@post("/support/payments/events/{event_id:str}/ignore", opt=_CHANGES, status_code=200)
async def ignore_event(
    request: AnyRequest, event_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[None] | Response[str]:
    error = await acted(actions.ignore(support.database, support.act(request), event_id, None))
    return await _show_event(request, support, event_id, error)


@post("/support/payments/events/{event_id:str}/heed", opt=_CHANGES, status_code=200)
async def heed_event(
    request: AnyRequest, event_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[None] | Response[str]:
    error = await acted(actions.heed(support.database, support.act(request), event_id, None))
    return await _show_event(request, support, event_id, error)


@get(_RECONCILIATION, opt=_SEES)
async def reconciliation_page(
    request: AnyRequest, support: NamedDependency[SupportShower]
) -> Response[str]:
    adrift = request.query_params.get("adrift") == "yes"
    number = page_number(request.query_params.get("page", ""))
    async with support.database.control() as connection:
        rows, total = await repository.page_of_drifts(
            connection, adrift=adrift, offset=(number - 1) * SIZE, limit=SIZE
        )
        alerts = await repository.count_adrift(connection)
    only = "yes" if adrift else ""
    return support.show(
        request,
        "payments/reconciliation.html",
        listed=Listed(rows=rows, total=total, number=number),
        adrift=adrift,
        alerts=alerts,
        address=lambda number: _RECONCILIATION + query(adrift=only, page=number),
        looked=await how_stands(support.database, RECONCILE, RECONCILIATION),
    )


@post("/support/payments/reconcile", opt=_CHANGES, status_code=200)
async def reconcile(request: AnyRequest, support: NamedDependency[SupportShower]) -> Response[None]:
    await actions.reconcile(support.database, support.act(request))
    return support.go(request, _RECONCILIATION)


PAYMENT_PAGES = [
    payments_page,
    events_page,
    fetch_missing,
    event_page,
    replay_event,
    ignore_event,
    heed_event,
    reconciliation_page,
    reconcile,
    *ACCOUNT_PAYMENT_PAGES,
]


async def _show_event(
    request: AnyRequest, support: SupportShower, event_id: str, error: str = ""
) -> Response[None] | Response[str]:
    async with support.database.control() as connection:
        event = await repository.show_event(connection, event_id)
    if event is None:
        raise NotFoundException
    if event.account_id is not None:
        path = f"/support/accounts/{event.account_id}/payments/events/{event_id}"
        return support.go(request, path)
    return support.show(
        request,
        "payments/event.html",
        status=422 if error else 200,
        event=event,
        base=f"{_EVENTS}/{event_id}",
        error=error,
    )


def _sought(form: dict[str, str]) -> Sought:
    state = form["state"]
    return Sought(
        state=one_of(EventState, state, EventState.WAITING) if state else None,
        type=form["type"],
        account=form["account"],
        since=_day(form["since"]),
    )


def _day(text: str) -> datetime | None:
    """Read a day; what is none is not asked about."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
