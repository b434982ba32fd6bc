"""The audit logs (A13), a tenant's and the account's: filters, pages, export, verifying."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from control_plane.audit.actions import verify
from control_plane.audit.log_pages import Log, export_log, show_log
from control_plane.audit.rules import ACCOUNT, TENANT, Chain, Verification
from control_plane.http.given import GivenConfig
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import account_of, signed_in_of
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.domain.plan import PLANS, PlanName
from shared.runtime.database import Database

_SEES = {"permission": Permission.SEE_AUDIT}

AnyRequest = Request[Any, Any, Any]


class OwnLog(Log, frozen=True, kw_only=True):
    tenant: OwnTenant | None  # None: it is the account's


@get("/tenants/{slug:str}/audit", opt=_SEES)
async def audit_page(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
) -> Response[str]:
    return await _show(request, pages, database, await _of_tenant(request, database, slug))


@post("/tenants/{slug:str}/audit/verify", opt=_SEES, status_code=200)
async def verify_chain(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
) -> Response[str]:
    shown = await _of_tenant(request, database, slug)
    found = await verify(database, config.audit_keys, shown.chain)
    return await _show(request, pages, database, shown, found)


@get("/tenants/{slug:str}/audit/export", opt=_SEES)
async def export(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
) -> Stream:
    shown = await _of_tenant(request, database, slug)
    return export_log(request, pages, database, shown, f"audit-{slug}")


@get("/audit", opt=_SEES)
async def account_audit_page(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Response[str]:
    return await _show(request, pages, database, _of_account(request))


@post("/audit/verify", opt=_SEES, status_code=200)
async def verify_account_chain(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
) -> Response[str]:
    shown = _of_account(request)
    found = await verify(database, config.audit_keys, shown.chain)
    return await _show(request, pages, database, shown, found)


@get("/audit/export", opt=_SEES)
async def export_of_account(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Stream:
    shown = _of_account(request)
    return export_log(request, pages, database, shown, f"audit-{shown.chain.id}")


AUDIT_PAGES = [
    audit_page,
    verify_chain,
    export,
    account_audit_page,
    verify_account_chain,
    export_of_account,
]


async def _of_tenant(request: AnyRequest, database: Database, slug: str) -> OwnLog:
    tenant = await own_tenant(database, request, slug)
    return OwnLog(
        chain=Chain(TENANT, tenant.id),
        path=f"/tenants/{tenant.slug}/audit",
        title=f"Audit log of {tenant.slug}",
        command=f"auth-service audit verify --tenant {tenant.slug}",
        tenant=tenant,
    )


def _of_account(request: AnyRequest) -> OwnLog:
    account_id = account_of(request)
    return OwnLog(
        chain=Chain(ACCOUNT, account_id),
        path="/audit",
        title="Audit log of the account",
        command=f"auth-service audit verify --account {account_id}",
        tenant=None,
    )


async def _show(
    request: AnyRequest,
    pages: Pages,
    database: Database,
    log: OwnLog,
    verified: Verification | None = None,
) -> Response[str]:
    days = PLANS[PlanName(signed_in_of(request).plan)].log_days
    return await show_log(
        request, pages, database, log, tenant=log.tenant, days=days, verified=verified
    )
