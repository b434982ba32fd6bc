"""Creating and finding accounts: the customers that pay, and have tenants."""

from secrets import token_hex

from control_plane.accounts import repository
from control_plane.accounts.repository import AccountRow
from control_plane.accounts.rules import check_name
from shared.domain.refused import Refused
from shared.runtime.database import Database

_ID_BYTES = 8


class UnknownAccount(Refused):
    """There is no such account."""


async def create_account(database: Database, name: str) -> str:
    """Create an account and give its id. Raises InvalidAccount."""
    check_name(name)
    account_id = f"a_{token_hex(_ID_BYTES)}"
    async with database.control() as connection:
        await repository.add_account(connection, account_id, name)
    return account_id


async def show_account(database: Database, account_id: str) -> AccountRow:
    """Raises UnknownAccount."""
    async with database.control() as connection:
        found = await repository.find_account(connection, account_id)
    if found is None:
        raise UnknownAccount("there is no such account")
    return found


async def list_accounts(database: Database, *, after: str, limit: int) -> list[AccountRow]:
    async with database.control() as connection:
        return await repository.list_accounts(connection, after=after, limit=limit)
