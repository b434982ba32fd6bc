"""Creating, changing and deleting a tenant's APIs."""

import msgspec

from control_plane.apis import repository
from control_plane.apis.repository import ApiRow, GrantedClient, ListedApi, ServingClient
from control_plane.apis.rules import (
    ApiChange,
    ApiOrder,
    InvalidApi,
    NewApi,
    changed,
    check_new_api,
)
from control_plane.audit.actions import record
from control_plane.audit.rules import BY_OPERATOR, Actor, Noted, differing, facts_of
from control_plane.http.paging import SIZE, Listed
from control_plane.keys.actions import ensure_signing_key
from control_plane.limits.actions import take_room
from control_plane.limits.rules import Limited
from control_plane.publishing.snapshots import edit_tenant
from shared.domain.ids import TenantId
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer


async def create_api(
    database: Database, sealer: Sealer, tenant: TenantId, new: NewApi, by: Actor = BY_OPERATOR
) -> None:
    """Create an API, and the signing key of its algorithm where it is the first to use it.

    Raises InvalidApi, UnknownTenant or LimitReached.
    """
    check_new_api(new)
    async with edit_tenant(database, tenant) as connection:
        await take_room(connection, tenant, Limited.APIS)
        if not await repository.add_api(connection, new):
            raise InvalidApi(f"there is an API {new.identifier} already")
        await ensure_signing_key(connection, new.algorithm, tenant, sealer)
        noted = Noted("api.create", f"API {new.identifier}", after=facts_of(new))
        await record(connection, by, noted)


async def change_api(
    database: Database,
    sealer: Sealer,
    tenant: TenantId,
    identifier: str,
    change: ApiChange,
    by: Actor = BY_OPERATOR,
) -> NewApi:
    """Change an API. A scope that it loses is taken from its clients; tokens live on as issued.

    Raises InvalidApi or UnknownTenant.
    """
    async with edit_tenant(database, tenant) as connection:
        held = await repository.get_api(connection, identifier)
        if held is None:
            raise InvalidApi(f"there is no API {identifier}")
        former = msgspec.convert(held, NewApi, from_attributes=True)
        new = changed(former, change)
        await repository.set_api(connection, new)
        await ensure_signing_key(connection, new.algorithm, tenant, sealer)
        before, after = differing(facts_of(former), facts_of(new))
        await record(connection, by, Noted("api.change", f"API {identifier}", before, after))
    return new


async def delete_api(
    database: Database, tenant: TenantId, identifier: str, by: Actor = BY_OPERATOR
) -> None:
    """Delete an API that no client may ask for any more. Raises InvalidApi or UnknownTenant."""
    async with edit_tenant(database, tenant) as connection:
        clients = await repository.count_clients(connection, identifier)
        if clients:
            raise InvalidApi(
                f"{clients} clients may ask for the API {identifier}: change them first"
            )
        held = await repository.get_api(connection, identifier)
        if held is None:
            raise InvalidApi(f"there is no API {identifier}")
        await repository.delete_api(connection, identifier)
        noted = Noted("api.delete", f"API {identifier}", before=facts_of(held))
        await record(connection, by, noted)


async def list_apis(database: Database, tenant: TenantId) -> list[ApiRow]:
    async with database.tenant(tenant) as connection:
        return await repository.list_apis(connection)


async def find_api(database: Database, tenant: TenantId, identifier: str) -> ApiRow | None:
    async with database.tenant(tenant) as connection:
        return await repository.get_api(connection, identifier)


async def list_api_page(
    database: Database, tenant: TenantId, search: str, order: ApiOrder, number: int
) -> Listed[ListedApi]:
    """List a page of the APIs whose name or identifier holds the text."""
    async with database.tenant(tenant) as connection:
        rows, total = await repository.page_of_apis(
            connection, search, order, offset=(number - 1) * SIZE, limit=SIZE
        )
    return Listed(rows=rows, total=total, number=number)


async def list_granted(
    database: Database, tenant: TenantId, identifier: str, search: str = "", number: int = 1
) -> Listed[GrantedClient]:
    """List a page of the clients that may ask for the API."""
    async with database.tenant(tenant) as connection:
        rows, total = await repository.page_of_granted(
            connection, identifier, search, offset=(number - 1) * SIZE, limit=SIZE
        )
    return Listed(rows=rows, total=total, number=number)


async def list_serving(
    database: Database, tenant: TenantId, identifier: str
) -> list[ServingClient]:
    """List the first clients that may introspect the API's tokens, as many as a page has."""
    async with database.tenant(tenant) as connection:
        return await repository.serving_clients(connection, identifier, limit=SIZE)


async def count_holders(database: Database, tenant: TenantId, identifier: str) -> dict[str, int]:
    """Count the clients that each of the API's scopes is granted to."""
    async with database.tenant(tenant) as connection:
        return await repository.count_holders(connection, identifier)
