"""An account and a tenant as support sees them (C2), and notes about them."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from control_plane.http.forms import read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.paging import page_number, query, search_text
from control_plane.staff.rules import StaffPermission
from control_plane.support.customer.actions import show_account, show_tenant, write_note
from control_plane.support.customer.rules import LONGEST_NOTE, NoteRefused
from control_plane.support.diagnosis.pages import OF_TENANT, SEES, tenant_of
from control_plane.support.diagnosis.repository import SupportedTenant
from control_plane.support.shown import SupportShower
from control_plane.support.suspensions.deletions import waiting_deletion_of
from shared.domain.issuer import issuer_url

_OF_ACCOUNT = "/support/accounts/{account_id:str}"
_NOTES = {"staff": StaffPermission.WRITE_NOTES, "grant": True}

AnyRequest = Request[Any, Any, Any]


@get(_OF_ACCOUNT, opt=SEES)
async def account_page(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[str]:
    return await _account(request, support, account_id)


@post(_OF_ACCOUNT + "/notes", opt=_NOTES, status_code=200)
async def note_account(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    text = (await read_fields(request))["note"]
    try:
        await write_note(support.database, support.act(request), account_id, text, support.now())
    except NoteRefused as refusal:
        return await _account(request, support, account_id, status=422, error=str(refusal))
    return support.go(request, f"/support/accounts/{account_id}")


@get(OF_TENANT, opt=SEES)
async def tenant_page(
    request: AnyRequest,
    account_id: FromPath[str],
    slug: FromPath[str],
    support: NamedDependency[SupportShower],
    config: GivenConfig,
) -> Response[str]:
    tenant = await tenant_of(support, account_id, slug)
    return await _tenant(request, support, tenant, issuer_url(config.public_url, slug))


@post(OF_TENANT + "/notes", opt=_NOTES, status_code=200)
async def note_tenant(
    request: AnyRequest,
    account_id: FromPath[str],
    slug: FromPath[str],
    support: NamedDependency[SupportShower],
    config: GivenConfig,
) -> Response[Any]:
    tenant = await tenant_of(support, account_id, slug)
    act, text = support.act(request), (await read_fields(request))["note"]
    try:
        await write_note(support.database, act, account_id, text, support.now(), tenant)
    except NoteRefused as refusal:
        issuer = issuer_url(config.public_url, slug)
        return await _tenant(request, support, tenant, issuer, status=422, error=str(refusal))
    return support.go(request, tenant.path)


async def _account(
    request: AnyRequest,
    support: SupportShower,
    account_id: str,
    *,
    status: int = 200,
    error: str = "",
) -> Response[str]:
    number = page_number(request.query_params.get("page", ""))
    page = await show_account(support.database, account_id, number)
    if page is None:
        raise NotFoundException
    base = f"/support/accounts/{account_id}"
    return support.show(
        request,
        "customer/account.html",
        status=status,
        page=page,
        base=base,
        error=error,
        longest_note=LONGEST_NOTE,
        address=lambda number: base + query(page=number),
    )


async def _tenant(
    request: AnyRequest,
    support: SupportShower,
    tenant: SupportedTenant,
    issuer: str,
    *,
    status: int = 200,
    error: str = "",
) -> Response[str]:
    search = search_text(request.query_params.get("q", ""))
    number = page_number(request.query_params.get("page", ""))
    return support.show(
        request,
        "customer/tenant.html",
        status=status,
        tenant=tenant,
        issuer=issuer,
        page=await show_tenant(support.database, tenant, search, number, support.now()),
        deletion=await waiting_deletion_of(support.database, tenant.id),
        search=search,
        error=error,
        longest_note=LONGEST_NOTE,
        address=lambda number: tenant.path + query(q=search, page=number),
    )


CUSTOMER_PAGES = [account_page, note_account, tenant_page, note_tenant]
