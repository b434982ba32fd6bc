"""Which tenant a page is about: one of the signed-in account's, or there is no such page."""

from typing import Any

from litestar import Request
from litestar.exceptions import NotFoundException

from control_plane.http.paging import SIZE, Listed
from control_plane.http.signed_in import signed_in_of
from control_plane.tenancy import repository
from control_plane.tenancy.repository import OwnTenant
from shared.domain.ids import TenantId
from shared.runtime.database import Database

_MOST = 200


async def own_tenant(database: Database, request: Request[Any, Any, Any], slug: str) -> OwnTenant:
    """Find it by its slug. Another account's answers as one that is not there: 404."""
    account_id = signed_in_of(request).account_id
    async with database.control() as connection:
        found = await repository.find_own(connection, account_id, slug)
    if found is None:
        raise NotFoundException
    return found


async def list_own_tenants(
    database: Database, account_id: str | None, search: str, number: int
) -> Listed[OwnTenant]:
    """List a page of the account's tenants."""
    async with database.control() as connection:
        rows, total = await repository.list_own(
            connection, account_id, search, offset=(number - 1) * SIZE, limit=SIZE
        )
    return Listed(rows=rows, total=total, number=number)


async def search_own_tenants(
    database: Database, account_id: str | None, search: str, limit: int
) -> list[OwnTenant]:
    async with database.control() as connection:
        return await repository.search_own(connection, account_id, search, limit)


async def every_own_tenant(database: Database, account_id: str) -> list[OwnTenant]:
    """List all that a plan's account has; of one without limits, so many as a page can hold."""
    async with database.control() as connection:
        rows, _ = await repository.list_own(connection, account_id, "", offset=0, limit=_MOST)
    return rows


async def tenants_of(database: Database, account_id: str) -> list[TenantId]:
    """Name all tenants of the account that are there, the built-in one too."""
    async with database.control() as connection:
        return await repository.ids_of_account(connection, account_id)


async def first_tenant(database: Database, account_id: str) -> OwnTenant | None:
    async with database.control() as connection:
        return await repository.first_own(connection, account_id)


async def is_slug_free(database: Database, slug: str) -> bool:
    async with database.control() as connection:
        return not await repository.is_slug_taken(connection, slug)


async def find_tenant(database: Database, account_id: str, slug: str) -> OwnTenant | None:
    async with database.control() as connection:
        return await repository.find_own(connection, account_id, slug)
