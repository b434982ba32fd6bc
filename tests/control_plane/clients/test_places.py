"""In which tenant a client is: known from the moment it is there until it or its tenant goes."""

import pytest
from sqlalchemy import select

from control_plane.clients.actions import delete_client
from control_plane.tenants.deletion import delete_tenant
from migrations.run import migrate
from shared.domain.ids import ClientId, TenantId, schema_of
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.tables.support_search import client_place
from tests.support import Installation, MadeTenant, make_tenant, opened

pytestmark = pytest.mark.usefixtures("quick_keys")


@pytest.fixture
async def made(database: Database, settings: Config) -> MadeTenant:
    return await make_tenant(database, settings)


async def places_of(database: Database, client_id: ClientId) -> list[TenantId]:
    async with database.control() as connection:
        found = await connection.scalars(
            select(client_place.c.tenant_id).where(client_place.c.client_id == client_id)
        )
        return [TenantId(each) for each in found]


async def test_a_client_has_a_place_until_it_is_deleted(
    database: Database, made: MadeTenant
) -> None:
    client_id = made.client.client_id
    assert await places_of(database, client_id) == [made.tenant_id]
    await delete_client(database, made.tenant_id, client_id)
    assert await places_of(database, client_id) == []


async def test_a_tenant_takes_the_places_of_its_clients_along(
    database: Database, made: MadeTenant
) -> None:
    await delete_tenant(database, made.slug)
    assert await places_of(database, made.client.client_id) == []


async def test_clients_of_the_release_before_get_their_places(
    installation: Installation, database: Database, made: MadeTenant
) -> None:
    schema = schema_of(made.tenant_id)
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.exec_driver_sql(f'DROP TRIGGER place ON "{schema}".client')
        for statement in (
            "DELETE FROM control.client_place WHERE tenant_id = '{}'",
            "UPDATE control.tenant SET schema_revision = '0006' WHERE id = '{}'",
        ):
            await connection.exec_driver_sql(statement.format(made.tenant_id))
    await migrate(installation.owner_url)
    assert await places_of(database, made.client.client_id) == [made.tenant_id]
    await delete_client(database, made.tenant_id, made.client.client_id)
    assert await places_of(database, made.client.client_id) == []
