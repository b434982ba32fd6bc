"""Suspending a tenant, refusing its tokens, deleting it; and undoing what can be undone."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from control_plane.http.forms import is_typed, read_fields
from control_plane.http.given import GivenConfig
from control_plane.members.rules import Permission
from control_plane.tenancy.repository import OwnTenant
from control_plane.tenants import actions
from control_plane.tenants.actions import InvalidTenant
from control_plane.tenants.deletion import ask_deletion, undo_deletion
from control_plane.tenants.shown import TenantShower
from shared.runtime.database import Database

_CHANGE = {"permission": Permission.CHANGE_TENANTS}
_CONFIRMED = {"permission": Permission.CHANGE_TENANTS, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@post("/tenants/{slug:str}/suspend", opt=_CHANGE, status_code=200)
async def suspend(
    request: AnyRequest,
    database: NamedDependency[Database],
    tenant_shower: NamedDependency[TenantShower],
    slug: FromPath[str],
) -> Response[Any]:
    """Issue no more, once it was ticked that this is meant: every client is without tokens."""
    tenant = await tenant_shower.tenant(request, slug)
    if not (await read_fields(request))["sure"]:
        error = "Tick the box first. Nothing was changed."
        return await tenant_shower.show(request, tenant, "suspend", error)
    try:
        await actions.suspend_tenant(database, tenant.slug, tenant_shower.acting(request))
    except InvalidTenant as refusal:
        return await tenant_shower.show(request, tenant, "suspend", str(refusal))
    return tenant_shower.back(request, tenant)


@post("/tenants/{slug:str}/resume", opt=_CHANGE, status_code=200)
async def resume(
    request: AnyRequest,
    database: NamedDependency[Database],
    tenant_shower: NamedDependency[TenantShower],
    slug: FromPath[str],
) -> Response[Any]:
    tenant = await tenant_shower.tenant(request, slug)
    try:
        await actions.resume_tenant(database, tenant.slug, tenant_shower.acting(request))
    except InvalidTenant as refusal:
        return await tenant_shower.show(request, tenant, "suspend", str(refusal))
    return tenant_shower.back(request, tenant)


@post("/tenants/{slug:str}/refuse-tokens", opt=_CONFIRMED, status_code=200)
async def refuse_tokens(
    request: AnyRequest,
    database: NamedDependency[Database],
    tenant_shower: NamedDependency[TenantShower],
    slug: FromPath[str],
) -> Response[Any]:
    tenant = await tenant_shower.tenant(request, slug)
    if not await is_typed(request, tenant.slug):
        return await tenant_shower.show(request, tenant, "refuse-tokens", _not_typed(tenant))
    await actions.revoke_tokens(database, tenant.slug, tenant_shower.acting(request))
    return tenant_shower.back(request, tenant)


@post("/tenants/{slug:str}/delete", opt=_CONFIRMED, status_code=200)
async def delete(
    request: AnyRequest,
    database: NamedDependency[Database],
    tenant_shower: NamedDependency[TenantShower],
    config: GivenConfig,
    slug: FromPath[str],
) -> Response[Any]:
    """Have it go in a week, when its slug was typed."""
    tenant = await tenant_shower.tenant(request, slug)
    if not await is_typed(request, tenant.slug):
        return await tenant_shower.show(request, tenant, "delete", _not_typed(tenant))
    try:
        by = tenant_shower.acting(request)
        await ask_deletion(database, tenant.slug, tenant_shower.now(), config.console_url, by)
    except InvalidTenant as refusal:
        return await tenant_shower.show(request, tenant, "delete", str(refusal))
    return tenant_shower.back(request, tenant)


@post("/tenants/{slug:str}/undo-deletion", opt=_CHANGE, status_code=200)
async def undo(
    request: AnyRequest,
    database: NamedDependency[Database],
    tenant_shower: NamedDependency[TenantShower],
    slug: FromPath[str],
) -> Response[None]:
    tenant = await tenant_shower.tenant(request, slug)
    await undo_deletion(database, tenant.slug, tenant_shower.acting(request))
    return tenant_shower.back(request, tenant)


DANGER_PAGES = [suspend, resume, refuse_tokens, delete, undo]


def _not_typed(tenant: OwnTenant) -> str:
    return f"Type {tenant.slug} to confirm. Nothing was changed."
