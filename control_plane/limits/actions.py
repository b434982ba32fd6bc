"""Taking room for what is about to be created, in the transaction that creates it.

The account's row is locked before anything is counted: of many at once that would be the last to
fit, one is. And what an account has used of its month, for the frame of each page.
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.http.meter import Meter
from control_plane.limits import repository
from control_plane.limits.rules import Limited, LimitReached, limit_of, tenants_of
from control_plane.members import repository as members
from control_plane.publishing.snapshots import limits_of
from shared.domain.ids import TenantId
from shared.domain.limits import TenantLimits
from shared.domain.plan import Counts, Environment, tenant_limits
from shared.runtime.database import Database, become_login, become_tenant

_METER_KEPT = timedelta(seconds=10)


class Meters:
    """Each account's, read again when what is remembered of it is some seconds old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, tuple[datetime, Meter]] = {}

    async def of(self, account_id: str, now: datetime) -> Meter:
        read_at, meter = self._held.get(account_id, (None, None))
        if read_at is None or meter is None or now - read_at > _METER_KEPT:
            meter = await self._read(account_id, now)
            fresh = {of: each for of, each in self._held.items() if now - each[0] <= _METER_KEPT}
            self._held = {**fresh, account_id: (now, meter)}
        return meter

    async def _read(self, account_id: str, now: datetime) -> Meter:
        async with self._database.control() as connection:
            found = await repository.tokens_used(connection, account_id, f"{now:%Y-%m}")
        if found is None:
            return Meter(0, None)
        return Meter(found[1], tenant_limits(found[0]).month)


async def take_room(connection: AsyncConnection, tenant_id: TenantId, what: Limited) -> None:
    """Take room in the account of the tenant whose transaction it is. Raises LimitReached."""
    await become_login(connection)
    account_id = await repository.account_of(connection, tenant_id)
    if account_id is not None:
        await _take(connection, account_id, what)
    await become_tenant(connection, tenant_id)


async def take_room_for_tenant(
    connection: AsyncConnection, account_id: str, environment: Environment
) -> None:
    """Take room for one more tenant, in a transaction of the login. Raises LimitReached."""
    await _take(connection, account_id, tenants_of(environment))


async def show_limits(database: Database, account_id: str) -> TenantLimits:
    """Say what each tenant of the account may ask for."""
    async with database.control() as connection:
        return (await limits_of(connection, account_id)).of_tenant


async def count_things(database: Database, account_id: str, now: datetime) -> Counts:
    """Count what the account has of each thing that a plan counts, those who are invited too."""
    async with database.control() as connection:
        invited = await members.list_invitations(connection, account_id, now)
        return Counts(
            live_tenants=await _count(connection, account_id, Limited.LIVE_TENANTS),
            test_tenants=await _count(connection, account_id, Limited.TEST_TENANTS),
            clients=await _count(connection, account_id, Limited.CLIENTS),
            apis=await _count(connection, account_id, Limited.APIS),
            members=await members.count_members(connection, account_id) + len(invited),
        )


async def check_room(database: Database, account_id: str, *wanted: Limited) -> None:
    """Look whether there is room before the first of several is created. Raises LimitReached."""
    async with database.control() as connection:
        for what in wanted:
            await _take(connection, account_id, what)


async def _take(connection: AsyncConnection, account_id: str, what: Limited) -> None:
    account = await repository.lock_account(connection, account_id)
    limit = None if account is None else limit_of(account, what)
    if account is None or limit is None:
        return
    if await _count(connection, account_id, what) >= limit:
        raise LimitReached(account, what, limit)


async def _count(connection: AsyncConnection, account_id: str, what: Limited) -> int:
    match what:
        case Limited.LIVE_TENANTS:
            return await repository.count_tenants(connection, account_id, Environment.LIVE)
        case Limited.TEST_TENANTS:
            return await repository.count_tenants(connection, account_id, Environment.TEST)
        case Limited.CLIENTS:
            return await repository.count_clients(connection, account_id)
        case Limited.APIS:
            return await repository.count_apis(connection, account_id)
