"""`auth-service account …`."""

import click
import msgspec

from control_plane.accounts import actions
from control_plane.accounts.repository import AccountRow
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import with_database
from shared.runtime.config import Config
from shared.runtime.database import Database


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    accounts: list[AccountRow]
    next: str | None  # what to give as --after for the next page


@click.group()
def account() -> None:
    """Create and list accounts: the customers, who have tenants and API keys."""


@command(account, "create")
@click.argument("name")
def create(terminal: Terminal, name: str) -> None:
    """Create an account; NAME is for people."""

    async def work(_: Config, database: Database) -> AccountRow:
        return await actions.show_account(database, await actions.create_account(database, name))

    made = with_database(terminal, work)
    terminal.show(
        made, f"account  {made.id}", f"auth-service tenant create my-tenant --account {made.id}"
    )


@command(account, "list")
@click.option("--after", default="", help="The last id of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
def list_(terminal: Terminal, after: str, limit: int) -> None:
    """List the accounts by id, a page at a time."""

    async def work(_: Config, database: Database) -> list[AccountRow]:
        return await actions.list_accounts(database, after=after, limit=limit)

    found = with_database(terminal, work)
    following = found[-1].id if len(found) == limit else None
    terminal.show(
        AccountPage(accounts=found, next=following),
        "\n".join(f"{each.id:<20}  {each.name}" for each in found),
        f"auth-service account list --after {following}" if following else "",
    )
