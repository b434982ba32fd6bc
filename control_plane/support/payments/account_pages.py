"""What one account has paid, and Stripe's events of it: seen and changed under a grant."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from control_plane.staff.rules import StaffPermission
from control_plane.support.payments import actions, repository
from control_plane.support.payments.rules import PaymentsRefused
from control_plane.support.shown import Act, AnyRequest, SupportShower
from shared.runtime.database import Database

_SEES = {"staff": StaffPermission.SEE_PAYMENTS, "grant": True}
_CHANGES = {"staff": StaffPermission.CHANGE_PAYMENTS, "grant": True}

_PAYMENTS = "/support/accounts/{account_id:str}/payments"
_EVENT = _PAYMENTS + "/events/{event_id:str}"

_Change: TypeAlias = Callable[[Database, Act, str, str | None], Awaitable[None]]


@get(_PAYMENTS, opt=_SEES)
async def account_payments_page(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[str]:
    return await _show_account(request, support, account_id)


@post(_PAYMENTS + "/reconcile", opt=_CHANGES, status_code=200)
async def reconcile_account(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[None] | Response[str]:
    act = support.act(request)
    error = await acted(actions.reconcile_account(support.database, act, account_id))
    if error:
        return await _show_account(request, support, account_id, error)
    return support.go(request, f"/support/accounts/{account_id}/payments")


@get(_EVENT, opt=_SEES)
async def account_event_page(
    request: AnyRequest,
    account_id: FromPath[str],
    event_id: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[str]:
    return await _show_event(request, support, account_id, event_id)


@post(_EVENT + "/replay", opt=_CHANGES, status_code=200)
async def replay_account_event(
    request: AnyRequest,
    account_id: FromPath[str],
    event_id: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[None] | Response[str]:
    return await _change(request, support, account_id, event_id, actions.replay)


@post(_EVENT + "/ignore", opt=_CHANGES, status_code=200)
async def ignore_account_event(
    request: AnyRequest,
    account_id: FromPath[str],
    event_id: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[None] | Response[str]:
    return await _change(request, support, account_id, event_id, actions.ignore)


@post(_EVENT + "/heed", opt=_CHANGES, status_code=200)
async def heed_account_event(
    request: AnyRequest,
    account_id: FromPath[str],
    event_id: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[None] | Response[str]:
    return await _change(request, support, account_id, event_id, actions.heed)


ACCOUNT_PAYMENT_PAGES = [
    account_payments_page,
    reconcile_account,
    account_event_page,
    replay_account_event,
    ignore_account_event,
    heed_account_event,
]


async def acted(action: Awaitable[None]) -> str:
    """Do it; give what is wrong, or '' where it is done."""
    try:
        await action
    except PaymentsRefused as refusal:
        return str(refusal)
    return ""


async def _show_account(
    request: AnyRequest, support: SupportShower, account_id: str, error: str = ""
) -> Response[str]:
    state = await actions.payments_of(support.database, account_id)
    if state is None:
        raise NotFoundException
    return support.show(
        request,
        "payments/account.html",
        status=422 if error else 200,
        state=state,
        base=f"/support/accounts/{account_id}/payments",
        error=error,
    )


async def _change(
    request: AnyRequest, support: SupportShower, account_id: str, event_id: str, change: _Change
) -> Response[None] | Response[str]:
    error = await acted(change(support.database, support.act(request), event_id, account_id))
    if error:
        return await _show_event(request, support, account_id, event_id, error)
    return support.go(request, f"/support/accounts/{account_id}/payments/events/{event_id}")


async def _show_event(
    request: AnyRequest, support: SupportShower, account_id: str, event_id: str, error: str = ""
) -> Response[str]:
    """Another account's event is not there."""
    async with support.database.control() as connection:
        event = await repository.show_event(connection, event_id)
    if event is None or event.account_id != account_id:
        raise NotFoundException
    return support.show(
        request,
        "payments/event.html",
        status=422 if error else 200,
        event=event,
        base=f"/support/accounts/{account_id}/payments/events/{event_id}",
        error=error,
    )
