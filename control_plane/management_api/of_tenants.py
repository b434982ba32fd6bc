"""Tenants, their signing keys, and refusing the tokens they have issued."""

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from control_plane.clients import actions as clients
from control_plane.keys import actions as keys
from control_plane.keys.actions import KeyKeeper
from control_plane.keys.rules import HeldKey
from control_plane.management_api import repository
from control_plane.management_api.given import (
    AnyRequest,
    Cursor,
    GivenActor,
    GivenTenant,
    GivenWork,
    Limit,
    Page,
    page_of,
)
from control_plane.management_api.holder import holder_of
from control_plane.management_api.problems import ApiRefusal, InsufficientScope
from control_plane.tenants import actions
from control_plane.tenants.actions import NewTenant
from control_plane.tenants.repository import TenantRow
from shared.domain.ids import ClientId, Kid
from shared.domain.management import REVOKE_TOKENS
from shared.domain.plan import Environment

_TAGS = ["Tenants"]
_READ, _WRITE = {"scope": "read:tenants"}, {"scope": "write:tenants"}
_ROTATE, _REVOKE = {"scope": "rotate:keys"}, {"scope": REVOKE_TOKENS}


class TenantToCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    slug: str
    name: str
    environment: Environment = Environment.TEST


class TokensToRevoke(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the two. A single token is revoked at the issuer: `{issuer}/admin/revoke`."""

    client_id: ClientId | None = None  # every token that the client was issued until now
    everything: bool = False  # every token that the tenant issued until now


@get("/tenants", opt=_READ, tags=_TAGS)
async def list_tenants(
    request: AnyRequest, work: GivenWork, cursor: Cursor = "", limit: Limit = 50
) -> Page[TenantRow]:
    """List the tenants that the key is for, by slug."""
    holder = holder_of(request)
    async with work.database.control() as connection:
        rows = await repository.tenants_for(
            connection, holder.account, holder.key.tenants, after=cursor, limit=limit + 1
        )
    return page_of(rows, limit, lambda row: row.slug)


@get("/tenants/{slug:str}", opt=_READ, tags=_TAGS)
async def show_tenant(tenant: GivenTenant) -> TenantRow:
    """Show a tenant."""
    return tenant


@post("/tenants", opt=_WRITE, tags=_TAGS)
async def create_tenant(
    request: AnyRequest, data: JSONBody[TenantToCreate], work: GivenWork, by: GivenActor
) -> Response[TenantRow]:
    """Create a tenant, with its keys."""
    key = holder_of(request).key
    if key.tenants:
        raise InsufficientScope("write:tenants for all tenants of the account")
    new = NewTenant(
        slug=data.slug, name=data.name, account=key.account, environment=data.environment
    )

    async def make() -> TenantRow:
        await actions.create_tenant(work.database, work.sealer, new, by=by)
        return await actions.show_tenant(work.database, data.slug)

    return await work.repeats.once(request, make)


@post("/tenants/{slug:str}/suspend", opt=_WRITE, tags=_TAGS, status_code=200)
async def suspend_tenant(tenant: GivenTenant, work: GivenWork, by: GivenActor) -> TenantRow:
    """Stop issuing. The key set stays, so that live tokens verify; resuming undoes it."""
    await actions.suspend_tenant(work.database, tenant.slug, by)
    return await actions.show_tenant(work.database, tenant.slug)


@post("/tenants/{slug:str}/resume", opt=_WRITE, tags=_TAGS, status_code=200)
async def resume_tenant(tenant: GivenTenant, work: GivenWork, by: GivenActor) -> TenantRow:
    """Issue again."""
    await actions.resume_tenant(work.database, tenant.slug, by)
    return await actions.show_tenant(work.database, tenant.slug)


@post("/tenants/{slug:str}/revoke-tokens", opt=_REVOKE, tags=_TAGS, status_code=204)
async def revoke_tokens(
    tenant: GivenTenant, data: JSONBody[TokensToRevoke], work: GivenWork, by: GivenActor
) -> None:
    """Refuse tokens that were issued until now; others may be asked for at once."""
    if (data.client_id is None) is not data.everything:
        raise ApiRefusal("give exactly one of client_id and everything")
    if data.client_id is not None:
        await clients.revoke_tokens(work.database, tenant.id, data.client_id, by)
    else:
        await actions.revoke_tokens(work.database, tenant.slug, by)


@get("/tenants/{slug:str}/keys", opt=_READ, tags=["Signing keys"])
async def list_keys(tenant: GivenTenant, work: GivenWork) -> Page[HeldKey]:
    """List the signing keys: next, current and retired ones."""
    return Page(items=await keys.list_keys(work.database, tenant.id), next=None)


@post("/tenants/{slug:str}/keys/rotate", opt=_ROTATE, tags=["Signing keys"], status_code=200)
async def rotate_keys(tenant: GivenTenant, work: GivenWork, by: GivenActor) -> Page[HeldKey]:
    """Begin a rotation: new keys are published now, and sign a day later."""
    await KeyKeeper(work.database, work.sealer, work.clock).rotate(tenant.id, by)
    return Page(items=await keys.list_keys(work.database, tenant.id), next=None)


@delete("/tenants/{slug:str}/keys/{kid:str}", opt=_ROTATE, tags=["Signing keys"])
async def revoke_key(
    tenant: GivenTenant, kid: FromPath[str], work: GivenWork, by: GivenActor
) -> None:
    """Publish a key no more, at once: its tokens verify nowhere that looks again."""
    await KeyKeeper(work.database, work.sealer, work.clock).revoke(tenant.id, Kid(kid), by)


TENANT_ROUTES = [
    list_tenants,
    show_tenant,
    create_tenant,
    suspend_tenant,
    resume_tenant,
    revoke_tokens,
    list_keys,
    rotate_keys,
    revoke_key,
]
