"""`auth-service account …`."""

from typing import Any

import click
import msgspec

from control_plane.accounts import actions
from control_plane.accounts.actions import AccountDetails
from control_plane.accounts.repository import AccountRow
from control_plane.accounts.rules import LimitsChange
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import with_database
from control_plane.cli.rate import rate_of_options
from shared.domain.limits import Enforcement
from shared.domain.plan import SOLD, PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    accounts: list[AccountRow]
    next: str | None  # what to give as --after for the next page


@click.group()
def account() -> None:
    """Create and list accounts: the customers, who have a plan, tenants and API keys."""


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
        "\n".join(f"{each.id:<20}  {each.plan:<8}  {each.name}" for each in found),
        f"auth-service account list --after {following}" if following else "",
    )


@command(account, "show")
@click.argument("account_id")
def show(terminal: Terminal, account_id: str) -> None:
    """Show an account's plan, and what its tenants may ask for."""

    async def work(_: Config, database: Database) -> AccountDetails:
        return await actions.show_limits(database, account_id)

    _show(terminal, with_database(terminal, work))


@command(account, "set-plan")
@click.argument("account_id")
@click.argument("plan", type=click.Choice([each.value for each in (*SOLD, PlanName.OPERATOR)]))
def set_plan(terminal: Terminal, account_id: str, plan: str) -> None:
    """Move an account to another plan. Its tenants hear of it within a second."""

    async def work(_: Config, database: Database) -> AccountDetails:
        await actions.set_plan(database, account_id, PlanName(plan))
        return await actions.show_limits(database, account_id)

    _show(terminal, with_database(terminal, work))


@command(account, "set-limits")
@click.argument("account_id")
@click.option("--rate", type=int, help="Token requests a second of each tenant.")
@click.option("--burst", type=int, help="Token requests at once; twice the rate if not given.")
@click.option("--monthly-tokens", type=int, help="Tokens included in a month.")
@click.option(
    "--enforce/--observe",
    default=None,
    help="Refuse what is over a limit, or only count it.",
)
@click.option("--overage-cap", type=click.IntRange(1), help="US cents a month for more tokens.")
@click.option("--no-overage", is_flag=True, help="Buy no more tokens than the plan includes.")
@click.option("--reset", is_flag=True, help="First take away all that differs from the plan.")
def set_limits(
    terminal: Terminal,
    account_id: str,
    *,
    overage_cap: int | None,
    no_overage: bool,
    **options: Any,
) -> None:
    """Change what differs from the account's plan. What is not named stays."""
    if no_overage and overage_cap is not None:
        raise click.UsageError("give --overage-cap or --no-overage, not both")
    change = LimitsChange(
        reset=options["reset"],
        rate=rate_of_options(options["rate"], options["burst"]),
        tokens=options["monthly_tokens"],
        enforcement=_ENFORCEMENTS[options["enforce"]],
        overage_cap=0 if no_overage else overage_cap,
    )

    async def work(_: Config, database: Database) -> AccountDetails:
        await actions.set_limits(database, account_id, change)
        return await actions.show_limits(database, account_id)

    _show(terminal, with_database(terminal, work))


_ENFORCEMENTS = {None: None, True: Enforcement.ENFORCE, False: Enforcement.OBSERVE}


def _show(terminal: Terminal, found: AccountDetails) -> None:
    rate, month, chosen = found.limits.rate, found.limits.month, found.chosen
    cap = chosen.overage_cap
    lines = [
        f"account  {found.account.id}",
        f"name     {found.account.name}",
        f"plan     {chosen.plan}",
        f"rate     {rate.per_second}/s, {rate.burst} at once" if rate else "rate     no limit",
        f"month    {month.included} tokens, at most {month.allowed}"
        if month
        else "month    no limit",
        "overage  none" if cap is None else f"overage  up to {cap / 100:.2f} dollars a month",
        f"limits   {chosen.enforcement}",
    ]
    terminal.show(found, "\n".join(lines))
