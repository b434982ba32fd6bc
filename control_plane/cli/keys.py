"""`auth-service keys …`."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.keys import actions
from control_plane.keys.actions import KeyKeeper
from control_plane.keys.rules import HeldKey
from control_plane.tenants.actions import list_tenants
from shared.domain.ids import Kid, TenantId
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_PAGE = 500

_tenant = click.option("--tenant", "slug", required=True, help="The tenant's slug.")


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    tenants: int
    keys: int


@click.group()
def keys() -> None:
    """List, rotate and revoke a tenant's signing keys; seal all anew."""


@command(keys, "list")
@_tenant
def list_(terminal: Terminal, slug: str) -> None:
    """List the keys with their states."""

    async def work(_: Config, database: Database) -> list[HeldKey]:
        return await actions.list_keys(database, await tenant_id_of(database, slug))

    _show(terminal, with_database(terminal, work))


@command(keys, "rotate")
@_tenant
def rotate(terminal: Terminal, slug: str) -> None:
    """Begin a rotation now: new keys are published, and sign 25 hours later.

    Without it keys rotate every 90 days (`auth-service serve jobs`).
    """
    _change(terminal, slug, lambda keeper, tenant: keeper.rotate(tenant))


@command(keys, "revoke")
@_tenant
@click.argument("kid")
@click.option("--yes", is_flag=True, help="Do not ask.")
def revoke(terminal: Terminal, slug: str, kid: str, *, yes: bool) -> None:
    """Publish a key no more, at once. Tokens that it signed are refused from then on."""
    if not yes:
        terminal.confirm(kid, "Every token that this key signed is refused from now on.")
    _change(terminal, slug, lambda keeper, tenant: keeper.revoke(tenant, Kid(kid)))


@command(keys, "reseal")
def reseal(terminal: Terminal) -> None:
    """Seal every tenant's keys anew, under the first key of MASTER_KEY.

    Then the others can be taken out. A run that was cut off is taken up by the next one.
    """

    async def work(config: Config, database: Database) -> Resealed:
        keeper = KeyKeeper(database, Sealer(config.master_keys), _now)
        tenants = count = 0
        after = ""
        while page := await list_tenants(database, after=after, limit=_PAGE):
            for each in page:
                count += await keeper.reseal(each.id)
            tenants, after = tenants + len(page), page[-1].slug
        return Resealed(tenants=tenants, keys=count)

    done = with_database(terminal, work)
    terminal.show(done, f"{done.keys} keys of {done.tenants} tenants were sealed anew.")


def _change(
    terminal: Terminal, slug: str, change: Callable[[KeyKeeper, TenantId], Awaitable[None]]
) -> None:
    async def work(config: Config, database: Database) -> list[HeldKey]:
        tenant = await tenant_id_of(database, slug)
        await change(KeyKeeper(database, Sealer(config.master_keys), _now), tenant)
        return await actions.list_keys(database, tenant)

    _show(terminal, with_database(terminal, work))


def _show(terminal: Terminal, found: list[HeldKey]) -> None:
    terminal.show({"keys": found}, "\n".join(_line(each) for each in found))


def _line(key: HeldKey) -> str:
    signs = f", signs from {key.signs_at:%Y-%m-%d %H:%M}" if key.signs_at else ""
    made = f"made {key.created_at:%Y-%m-%d %H:%M}"
    return f"{key.kid}  {key.algorithm:<5}  {key.state:<7}  {made}{signs}"


def _now() -> datetime:
    return datetime.now(UTC)
