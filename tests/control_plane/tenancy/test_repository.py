"""An account sees its own tenants, and the operator's account not the product's."""

from control_plane.management.actions import ensure_system_tenant
from control_plane.tenancy import repository
from shared.domain.management import OPERATOR, SYSTEM_SLUG
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.support import make_tenant


async def test_the_built_in_tenant_is_on_no_page(database: Database, config: Config) -> None:
    await ensure_system_tenant(database, config)
    own = await make_tenant(database, config)
    async with database.control() as connection:
        assert await repository.find_own(connection, OPERATOR, SYSTEM_SLUG) is None
        found = await repository.find_own(connection, OPERATOR, own.slug)
        listed, _ = await repository.list_own(connection, OPERATOR, "s", offset=0, limit=1000)
    assert found is not None
    assert SYSTEM_SLUG not in {each.slug for each in listed}
