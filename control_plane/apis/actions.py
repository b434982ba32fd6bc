"""Creating and listing a tenant's APIs."""

from control_plane.apis import repository
from control_plane.apis.repository import ApiRow
from control_plane.apis.rules import InvalidApi, NewApi, check_new_api
from control_plane.keys.actions import ensure_signing_key
from control_plane.publishing.snapshots import edit_tenant
from shared.domain.ids import TenantId
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer


async def create_api(database: Database, sealer: Sealer, tenant: TenantId, new: NewApi) -> None:
    """Create an API, and the signing key of its algorithm where it is the first to use it.

    Raises InvalidApi or UnknownTenant.
    """
    check_new_api(new)
    async with edit_tenant(database, tenant) as connection:
        if not await repository.add_api(connection, new):
            raise InvalidApi(f"there is an API {new.identifier} already")
        await ensure_signing_key(connection, new.algorithm, tenant, sealer)


async def list_apis(database: Database, tenant: TenantId) -> list[ApiRow]:
    async with database.tenant(tenant) as connection:
        return await repository.list_apis(connection)
