"""APIs (resource servers) of a tenant. One is named by its identifier, a URI, in the query."""

from typing import Annotated, TypeAlias

from litestar import Response, delete, get, patch, post
from litestar.params import JSONBody, QueryParameter

from control_plane.apis import actions
from control_plane.apis.repository import ApiRow
from control_plane.apis.rules import ApiChange, NewApi
from control_plane.management_api.given import (
    AnyRequest,
    GivenActor,
    GivenTenant,
    GivenWork,
    Page,
)
from control_plane.management_api.problems import Absent
from shared.domain.ids import TenantId
from shared.runtime.database import Database

_TAGS = ["APIs"]
_READ, _WRITE = {"scope": "read:clients"}, {"scope": "write:clients"}
_APIS = "/tenants/{slug:str}/apis"

Identifier: TypeAlias = Annotated[
    str, QueryParameter(description="The API's identifier, percent-encoded.")
]


class ApiToCreate(NewApi, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API; `identifier` is the `aud` of its tokens and never changes."""


class ChangeOfApi(ApiChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""


@get(_APIS, opt=_READ, tags=_TAGS)
async def list_apis(tenant: GivenTenant, work: GivenWork) -> Page[ApiRow]:
    """List all APIs, the oldest first."""
    return Page(items=await actions.list_apis(work.database, tenant.id), next=None)


@post(_APIS, opt=_WRITE, tags=_TAGS)
async def create_api(
    request: AnyRequest,
    tenant: GivenTenant,
    data: JSONBody[ApiToCreate],
    work: GivenWork,
    by: GivenActor,
) -> Response[ApiRow]:
    """Create an API, and the signing key of its algorithm where it is the first to use it."""

    async def make() -> ApiRow:
        await actions.create_api(work.database, work.sealer, tenant.id, data, by)
        return await _find(work.database, tenant.id, data.identifier)

    return await work.repeats.once(request, make)


@patch(_APIS, opt=_WRITE, tags=_TAGS)
async def change_api(
    tenant: GivenTenant,
    identifier: Identifier,
    data: JSONBody[ChangeOfApi],
    work: GivenWork,
    by: GivenActor,
) -> ApiRow:
    """Change an API. A scope that it loses is taken from its clients; tokens live on."""
    await _find(work.database, tenant.id, identifier)
    await actions.change_api(work.database, work.sealer, tenant.id, identifier, data, by)
    return await _find(work.database, tenant.id, identifier)


@delete(_APIS, opt=_WRITE, tags=_TAGS)
async def delete_api(
    tenant: GivenTenant, identifier: Identifier, work: GivenWork, by: GivenActor
) -> None:
    """Delete an API that no client may ask for any more."""
    await _find(work.database, tenant.id, identifier)
    await actions.delete_api(work.database, tenant.id, identifier, by)


API_ROUTES = [list_apis, create_api, change_api, delete_api]


async def _find(database: Database, tenant: TenantId, identifier: str) -> ApiRow:
    for each in await actions.list_apis(database, tenant):
        if each.identifier == identifier:
            return each
    raise Absent("the tenant has no such API")
