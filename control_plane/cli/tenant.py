"""`auth-service tenant …`."""

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import with_database
from control_plane.tenants import actions, deletion
from control_plane.tenants.actions import NewTenant
from control_plane.tenants.exports import export_tenant
from control_plane.tenants.repository import TenantRow
from shared.domain.ids import TenantId
from shared.domain.issuer import issuer_url
from shared.domain.management import OPERATOR
from shared.domain.snapshot import TenantStatus
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer


class ShownTenant(msgspec.Struct, frozen=True, kw_only=True):
    tenant_id: TenantId
    slug: str
    name: str
    account: str
    status: TenantStatus
    issuer: str
    created_at: str
    deletes_at: str | None  # while its deletion can be undone: when it goes


class TenantPage(msgspec.Struct, frozen=True, kw_only=True):
    tenants: list[ShownTenant]
    next: str | None  # what to give as --after for the next page


@click.group()
def tenant() -> None:
    """Create, list, rename, suspend, resume and delete tenants."""


@command(tenant, "create")
@click.argument("slug_argument", metavar="[SLUG]", required=False)
@click.option("--slug", help="The tenant's part of its issuer URL.")
@click.option("--name", help="For people; the slug where it is not given.")
@click.option("--account", default=OPERATOR, show_default=True, help="The account's id.")
def create(
    terminal: Terminal, slug_argument: str | None, slug: str | None, name: str | None, account: str
) -> None:
    """Create a tenant with its own issuer URL, keys and schema."""
    chosen = slug or slug_argument
    if chosen is None:
        raise click.UsageError("Name the tenant's slug: auth-service tenant create acme-test")

    async def work(config: Config, database: Database) -> ShownTenant:
        new = NewTenant(slug=chosen, name=name or chosen, account=account)
        await actions.create_tenant(database, Sealer(config.master_keys), new)
        return _shown(await actions.show_tenant(database, chosen), config)

    made = with_database(terminal, work)
    terminal.show(
        made,
        _text(made),
        f"auth-service api create --tenant {made.slug} --identifier https://api.{made.slug}.example",
    )


@command(tenant, "list")
@click.option("--after", default="", help="The last slug of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
def list_(terminal: Terminal, after: str, limit: int) -> None:
    """List the tenants by slug, a page at a time."""

    async def work(config: Config, database: Database) -> list[ShownTenant]:
        rows = await actions.list_tenants(database, after=after, limit=limit)
        return [_shown(row, config) for row in rows]

    found = with_database(terminal, work)
    following = found[-1].slug if len(found) == limit else None
    lines = [f"{each.slug:<40}  {each.status:<9}  {each.account}  {each.issuer}" for each in found]
    terminal.show(
        TenantPage(tenants=found, next=following),
        "\n".join(lines) or "There are no tenants.",
        f"auth-service tenant list --after {following}" if following else "",
    )


@command(tenant, "show")
@click.argument("slug")
def show(terminal: Terminal, slug: str) -> None:
    """Show one tenant."""

    async def work(config: Config, database: Database) -> ShownTenant:
        return _shown(await actions.show_tenant(database, slug), config)

    found = with_database(terminal, work)
    terminal.show(found, _text(found), f"auth-service client list --tenant {slug}")


@command(tenant, "rename")
@click.argument("slug")
@click.argument("name")
def rename(terminal: Terminal, slug: str, name: str) -> None:
    """Give a tenant another name for people. Its slug stays: it is in the issuer's URL."""

    async def work(config: Config, database: Database) -> ShownTenant:
        await actions.rename_tenant(database, slug, name)
        return _shown(await actions.show_tenant(database, slug), config)

    changed = with_database(terminal, work)
    terminal.show(changed, f"{slug} is named {changed.name}.")


@command(tenant, "export")
@click.argument("slug")
def export(terminal: Terminal, slug: str) -> None:
    """Print the tenant's whole configuration as JSON. No secret and no private key is in it."""

    async def work(config: Config, database: Database) -> bytes:
        found = await actions.show_tenant(database, slug)
        pieces = export_tenant(database, found, config.public_url)
        return b"".join([piece async for piece in pieces])

    written = with_database(terminal, work)
    formatted = msgspec.json.format(written).decode()
    terminal.show(msgspec.json.decode(written), formatted)


@command(tenant, "suspend")
@click.argument("slug")
def suspend(terminal: Terminal, slug: str) -> None:
    """Stop issuing tokens; the key set stays, so that live tokens verify."""
    _change(terminal, slug, TenantStatus.SUSPENDED)


@command(tenant, "resume")
@click.argument("slug")
def resume(terminal: Terminal, slug: str) -> None:
    """Issue tokens again."""
    _change(terminal, slug, TenantStatus.ACTIVE)


@command(tenant, "delete")
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(terminal: Terminal, slug: str, *, yes: bool) -> None:
    """Delete a tenant and all that it owns. Its slug stays taken for 90 days."""
    if not yes:
        terminal.confirm(slug, "This deletes the tenant's clients and keys for good.")
    _change(terminal, slug, TenantStatus.DELETED)


@command(tenant, "undo-deletion")
@click.argument("slug")
def undo_deletion(terminal: Terminal, slug: str) -> None:
    """Keep a tenant that was deleted in the console less than a week ago."""

    async def work(config: Config, database: Database) -> ShownTenant:
        await deletion.undo_deletion(database, slug)
        return _shown(await actions.show_tenant(database, slug), config)

    kept = with_database(terminal, work)
    terminal.show(kept, f"{slug} is {kept.status}.")


@command(tenant, "revoke-tokens")
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
def revoke_tokens(terminal: Terminal, slug: str, *, yes: bool) -> None:
    """Refuse every token that the tenant has issued until now."""
    if not yes:
        terminal.confirm(slug, "Every client of the tenant must ask for a new token.")

    async def work(_: Config, database: Database) -> None:
        await actions.revoke_tokens(database, slug)

    with_database(terminal, work)
    shown = {"slug": slug, "tokens_revoked": True}
    terminal.show(shown, f"Every token of {slug} is refused.")


def _change(terminal: Terminal, slug: str, to: TenantStatus) -> None:
    async def work(config: Config, database: Database) -> ShownTenant:
        before = await actions.show_tenant(database, slug)
        match to:
            case TenantStatus.ACTIVE:
                await actions.resume_tenant(database, slug)
            case TenantStatus.SUSPENDED:
                await actions.suspend_tenant(database, slug)
            case TenantStatus.DELETED:
                await deletion.delete_tenant(database, slug)
        return _shown(msgspec.structs.replace(before, status=to), config)

    changed = with_database(terminal, work)
    terminal.show(changed, f"{slug} is {to}.")


def _shown(row: TenantRow, config: Config) -> ShownTenant:
    return ShownTenant(
        tenant_id=row.id,
        slug=row.slug,
        name=row.name,
        account=row.account_id,
        status=row.status,
        issuer=issuer_url(config.public_url, row.slug),
        created_at=row.created_at.isoformat(),
        deletes_at=row.deletes_at.isoformat() if row.deletes_at else None,
    )


def _text(shown: ShownTenant) -> str:
    status = f"goes on {shown.deletes_at}" if shown.deletes_at else shown.status
    return (
        f"tenant   {shown.slug} ({status})\n"
        f"name     {shown.name}\n"
        f"account  {shown.account}\n"
        f"issuer   {shown.issuer}\n"
        f"id       {shown.tenant_id}"
    )
