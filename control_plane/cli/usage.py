"""`auth-service usage` and `auth-service logs`: what a tenant's clients did."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.usage import actions
from control_plane.usage.months import Counted
from control_plane.usage.rules import LAST_ID, LogEntry, Sought, read_token_id
from shared.domain.bounded import keep
from shared.domain.ids import TenantId
from shared.runtime.config import Config
from shared.runtime.database import Database

_group = click.Group()

_LOOK_EVERY = 1.0  # seconds
_AT_ONCE = 1_000  # entries of a look
_REMEMBERED = 20_000  # entries that are not printed again

_tenant = click.option("--tenant", "slug", required=True, help="The tenant's slug.")


class MonthOfUsage(msgspec.Struct, frozen=True, kw_only=True):
    month: str
    issued: int
    usage: list[Counted]


class PageOfLog(msgspec.Struct, frozen=True, kw_only=True):
    entries: list[LogEntry]
    next: UUID | None  # what to give as --before for the next page


@command(_group, "usage")
@_tenant
@click.option("--month", help="Such as 2026-11; this month where it is not given.")
def usage(terminal: Terminal, slug: str, month: str | None) -> None:
    """Count what was issued, introspected and refused in a month, by client and API."""
    chosen = month or f"{datetime.now(UTC):%Y-%m}"

    async def work(_: Config, database: Database) -> list[Counted]:
        return await actions.list_usage(database, await tenant_id_of(database, slug), chosen)

    found = with_database(terminal, work)
    issued = sum(each.count for each in found if each.event == "issued")
    lines = [
        f"{each.count:>10}  {each.event:<24}  {each.client_id:<20}  {each.api}" for each in found
    ]
    terminal.show(
        MonthOfUsage(month=chosen, issued=issued, usage=found),
        "\n".join([*lines, f"{issued:>10}  tokens issued in {chosen}"]),
        f"auth-service logs --tenant {slug}",
    )


@command(_group, "logs")
@_tenant
@click.option("--client", "client_id", help="Of this client alone.")
@click.option("--before", "before", help="The last id of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
def logs(
    terminal: Terminal,
    slug: str,
    client_id: str | None,
    before: str | None,
    limit: int,
    *,
    follow: bool,
) -> None:
    """List the tokens that were issued and the requests that were refused, the newest first.

    With --follow the newest comes last, and --json is one document a line.
    """
    start = read_token_id(before) if before else LAST_ID

    async def work(_: Config, database: Database) -> list[LogEntry]:
        tenant = await tenant_id_of(database, slug)
        found = await actions.list_log(
            database, tenant, client_id=client_id, before=start, limit=limit
        )
        if follow:
            await _follow(terminal, database, tenant, client_id, found)
        return found

    try:
        found = with_database(terminal, work)
    except KeyboardInterrupt:
        return
    following = found[-1].id if len(found) == limit else None
    older = f"auth-service logs --tenant {slug}{_option('client', client_id)} --before {following}"
    terminal.show(
        PageOfLog(entries=found, next=following),
        "\n".join(_line(each) for each in found) or "There is nothing yet.",
        older if following else f"auth-service usage --tenant {slug}",
    )


async def _follow(
    terminal: Terminal,
    database: Database,
    tenant: TenantId,
    client_id: str | None,
    found: list[LogEntry],
) -> None:
    """Print what happens, for ever. What is committed late is printed late, and all once."""
    seen: dict[UUID, None] = {}
    while True:
        for each in reversed(found):
            if each.id not in seen:
                keep(seen, each.id, None, _REMEMBERED)
                click.echo(msgspec.json.encode(each) if terminal.json else _line(each))
        since = datetime.now(UTC)
        await asyncio.sleep(_LOOK_EVERY)
        found = await actions.list_new(
            database, tenant, Sought(client_id=client_id or ""), since=since, limit=_AT_ONCE
        )


def _line(entry: LogEntry) -> str:
    at = f"{entry.at:%Y-%m-%d %H:%M:%S}"
    client_id = entry.client_id or "-"
    if entry.event == "issued":
        return f"{at}  issued   {client_id:<20}  {entry.id}  {entry.lifetime} s"
    return (
        f"{at}  refused  {client_id:<20}  {entry.endpoint} {entry.error}: {entry.reason}"
        f" ({entry.address}, {entry.request_id})"
    )


def _option(name: str, value: str | None) -> str:
    return "" if value is None else f" --{name} {value}"
