"""`auth-service stripe`: what is sold at Stripe, and our books of it."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from control_plane.billing.books import Books, Reconciled
from control_plane.billing.catalogue import Synced, sync
from control_plane.billing.rules import BillingRefused
from control_plane.billing.stripe_gateway import StripeGateway
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import with_database
from shared.runtime.config import Config
from shared.runtime.database import Database

Result = TypeVar("Result")


@click.group()
def stripe() -> None:
    """Have Stripe and our books of it say the same. STRIPE_API_KEY says whose Stripe."""


@command(stripe, "sync")
def sync_(terminal: Terminal) -> None:
    """Create the plans' products, prices and meter at Stripe, or change what is different."""

    async def work(gateway: StripeGateway, _: Books) -> list[Synced]:
        return await sync(gateway)

    done = _with_stripe(terminal, work)
    terminal.show(done, "\n".join(f"{each.what:<36}  {each.outcome}" for each in done))


@command(stripe, "reconcile")
def reconcile(terminal: Terminal) -> None:
    """Compare the books of every customer with Stripe, and take over what is different.

    Counts of tokens over the plan are compared too; adrift are those off by over 0.5 %.
    """

    async def work(_: StripeGateway, books: Books) -> Reconciled:
        return await books.reconcile(datetime.now(UTC))

    done = _with_stripe(terminal, work)
    lines = [
        f"customers  {done.customers}",
        f"different  {len(done.different)}",
        *done.different,
        f"adrift     {len(done.adrift)}",
        *done.adrift,
    ]
    terminal.show(done, "\n".join(lines))


@command(stripe, "fetch-missing")
def fetch_missing(terminal: Terminal) -> None:
    """Store the events of the last 30 days that never arrived; `serve jobs` then takes them.

    What is older is found by `reconcile`.
    """

    async def work(_: StripeGateway, books: Books) -> int:
        return await books.fetch_missing(datetime.now(UTC))

    missing = _with_stripe(terminal, work)
    terminal.show({"missing": missing}, f"missing  {missing}")


def _with_stripe(
    terminal: Terminal, work: Callable[[StripeGateway, Books], Coroutine[Any, Any, Result]]
) -> Result:
    async def run(config: Config, database: Database) -> Result:
        if config.stripe_api_key is None:
            raise BillingRefused("STRIPE_API_KEY is not set: nothing is sold here")
        gateway = StripeGateway(config.stripe_api_key, config.stripe_api_base)
        try:
            return await work(gateway, Books(database, gateway, config.console_url))
        finally:
            await gateway.close()

    return with_database(terminal, run)
