"""A tenant's signing keys (A12): what signs, what comes next, rotating and revoking."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from control_plane.http.forms import is_typed
from control_plane.keys.rules import UnknownKey
from control_plane.keys.shown import TYPED, KeyShower
from control_plane.members.rules import Permission

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_KEYS, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/keys", opt=_SEE)
async def keys_page(
    request: AnyRequest, key_shower: NamedDependency[KeyShower], slug: FromPath[str]
) -> Response[str]:
    return await key_shower.show(request, await key_shower.tenant(request, slug))


@post("/tenants/{slug:str}/keys/rotate", opt=_CHANGE, status_code=200)
async def rotate(
    request: AnyRequest, key_shower: NamedDependency[KeyShower], slug: FromPath[str]
) -> Response[None]:
    tenant = await key_shower.tenant(request, slug)
    await key_shower.keeper.rotate(tenant.id, key_shower.acting(request))
    return key_shower.back(request, tenant)


@get("/tenants/{slug:str}/keys/{kid:str}/revoke", opt=_CHANGE)
async def revoke_page(
    request: AnyRequest,
    key_shower: NamedDependency[KeyShower],
    slug: FromPath[str],
    kid: FromPath[str],
) -> Response[str]:
    return key_shower.show_revocation(request, await key_shower.find(request, slug, kid))


@post("/tenants/{slug:str}/keys/{kid:str}/revoke", opt=_CHANGE, status_code=200)
async def revoke(
    request: AnyRequest,
    key_shower: NamedDependency[KeyShower],
    slug: FromPath[str],
    kid: FromPath[str],
) -> Response[Any]:
    """Publish the key no more, when the beginning of its id was typed."""
    found = await key_shower.find(request, slug, kid)
    if not await is_typed(request, found.key.kid[:TYPED]):
        error = "That is not how the key's id begins. Nothing was revoked."
        return key_shower.show_revocation(request, found, error)
    try:
        await key_shower.keeper.revoke(found.tenant.id, found.key.kid, key_shower.acting(request))
    except UnknownKey:  # somebody else was first
        raise NotFoundException from None
    return key_shower.back(request, found.tenant)


KEY_PAGES = [keys_page, rotate, revoke_page, revoke]
