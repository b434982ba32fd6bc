"""Rows of an account's own tenants. Works in the transaction that it is given, as the login."""

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.ids import TenantId
from shared.domain.management import SYSTEM_SLUG
from shared.domain.plan import Environment
from shared.domain.snapshot import TenantStatus
from shared.runtime.tables.control import tenant


class OwnTenant(msgspec.Struct, frozen=True, kw_only=True):
    id: TenantId
    slug: str
    name: str
    status: TenantStatus
    environment: Environment
    deletes_at: datetime | None  # while its deletion can be undone: when it goes

    @property
    def live(self) -> bool:
        """Whether it serves production."""
        return self.environment is Environment.LIVE

    @property
    def leaving(self) -> bool:
        return self.deletes_at is not None

    @property
    def suspended(self) -> bool:
        return self.status is TenantStatus.SUSPENDED


_COLUMNS = [tenant.c[name] for name in OwnTenant.__struct_fields__]
# the built-in tenant is the product's own: its clients are API keys
_SHOWN = and_(tenant.c.status != TenantStatus.DELETED, tenant.c.slug != SYSTEM_SLUG)


async def find_own(
    connection: AsyncConnection, account_id: str | None, slug: str
) -> OwnTenant | None:
    found = await connection.execute(
        select(*_COLUMNS).where(
            tenant.c.account_id == account_id,
            tenant.c.slug == slug,
            _SHOWN,
        )
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, OwnTenant)


async def list_own(
    connection: AsyncConnection, account_id: str | None, search: str, *, offset: int, limit: int
) -> tuple[list[OwnTenant], int]:
    """List by slug those whose slug or name holds the text; and say how many there are of them."""
    wanted = _wanted(account_id, search)
    rows = await connection.execute(
        select(*_COLUMNS).where(*wanted).order_by(tenant.c.slug).offset(offset).limit(limit)
    )
    total = await connection.scalar(select(func.count()).select_from(tenant).where(*wanted))
    return [msgspec.convert(row, OwnTenant) for row in rows.mappings()], total or 0


async def search_own(
    connection: AsyncConnection, account_id: str | None, search: str, limit: int
) -> list[OwnTenant]:
    """List the first of them, those before the others whose slug begins with the text."""
    begins = tenant.c.slug.istartswith(search, autoescape=True)
    rows = await connection.execute(
        select(*_COLUMNS)
        .where(*_wanted(account_id, search))
        .order_by(begins.desc(), tenant.c.slug)
        .limit(limit)
    )
    return [msgspec.convert(row, OwnTenant) for row in rows.mappings()]


async def ids_of_account(connection: AsyncConnection, account_id: str) -> list[TenantId]:
    """Name all that are not deleted, the built-in one too."""
    rows = await connection.execute(
        select(tenant.c.id)
        .where(tenant.c.account_id == account_id, tenant.c.status != TenantStatus.DELETED)
        .order_by(tenant.c.id)
    )
    return [TenantId(row.id) for row in rows]


async def first_own(connection: AsyncConnection, account_id: str) -> OwnTenant | None:
    """Find the tenant that the account made first."""
    found = await connection.execute(
        select(*_COLUMNS)
        .where(tenant.c.account_id == account_id, _SHOWN)
        .order_by(tenant.c.created_at, tenant.c.id)
        .limit(1)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, OwnTenant)


async def is_slug_taken(connection: AsyncConnection, slug: str) -> bool:
    """Tell whether any tenant has the slug, or still holds it after its deletion."""
    found = await connection.scalar(select(tenant.c.id).where(tenant.c.slug == slug))
    return found is not None


def _wanted(account_id: str | None, search: str) -> tuple[ColumnElement[bool], ...]:
    return (
        tenant.c.account_id == account_id,
        _SHOWN,
        tenant.c.slug.icontains(search, autoescape=True)
        | tenant.c.name.icontains(search, autoescape=True),
    )
