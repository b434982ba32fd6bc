"""`auth-service audit …`."""

import sys
from collections.abc import Iterable, Iterator
from typing import IO

import click
import msgspec

from control_plane.accounts.actions import show_account
from control_plane.audit import actions
from control_plane.audit.rules import ACCOUNT, ANCHORED, STAFF, TENANT, Anchor, Chain, Verification
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from shared.runtime.config import Config
from shared.runtime.database import Database


class _Line(Anchor, frozen=True, kw_only=True):
    event: str


_decode = msgspec.json.Decoder(_Line).decode


@click.group()
def audit() -> None:
    """Check that an audit log is as it was recorded."""


@command(audit, "verify")
@click.option("--tenant", "slug", help="The tenant's slug.")
@click.option("--account", "account_id", help="The account's id.")
@click.option("--staff", "of_staff", is_flag=True, help="What our own staff did and saw.")
@click.option(
    "--anchors",
    "anchors_file",
    type=click.File("rb"),
    help="What `serve jobs` has logged, kept elsewhere: the chain is compared with its anchors.",
)
def verify(
    terminal: Terminal,
    slug: str | None,
    account_id: str | None,
    anchors_file: IO[bytes] | None,
    *,
    of_staff: bool,
) -> None:
    """Verify a log's chain; the first event that is not as it was recorded is named.

    Ends with 1 where there is one.
    """
    if (slug is not None) + (account_id is not None) + of_staff != 1:
        raise click.UsageError("give --tenant, --account or --staff")

    async def work(config: Config, database: Database) -> Verification:
        chain = STAFF if of_staff else await _chain(database, slug, account_id)
        anchors = [] if anchors_file is None else list(_anchors(anchors_file))
        return await actions.verify(database, config.audit_keys, chain, anchors)

    found = with_database(terminal, work)
    terminal.show(found, found.words)
    if found.broken is not None:
        sys.exit(1)


def _anchors(lines: Iterable[bytes]) -> Iterator[Anchor]:
    """Read the anchors among the lines of a log; what is none is passed over."""
    for line in lines:
        try:
            read = _decode(line)
        except msgspec.MsgspecError:
            continue
        if read.event == ANCHORED:
            yield read


async def _chain(database: Database, slug: str | None, account_id: str | None) -> Chain:
    if slug is not None:
        return Chain(TENANT, await tenant_id_of(database, slug))
    return Chain(ACCOUNT, (await show_account(database, account_id or "")).id)
