"""`auth-service secret …`: the life of a client's secrets."""

from datetime import UTC, datetime

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.secrets import actions
from control_plane.secrets.actions import MadeSecret
from control_plane.secrets.rules import AskedSecret, KeptSecret, LastSecret
from shared.domain.ids import ClientId
from shared.runtime.config import Config
from shared.runtime.database import Database

DAY = 24 * 3600  # seconds

_tenant = click.option("--tenant", "slug", required=True, help="The tenant's slug.")
_client = click.option("--client", "client_id", required=True, help="The client's id.")
_name = click.option("--name", default="", help="For people; the day's date where not given.")
_expires_in = click.option("--expires-in", type=int, help="Seconds; without it, it does not.")


@click.group()
def secret() -> None:
    """Add, list, revoke and rotate a client's secrets. At most five are live."""


@command(secret, "add")
@_tenant
@_client
@_name
@_expires_in
def add(terminal: Terminal, slug: str, client_id: str, name: str, expires_in: int | None) -> None:
    """Give the client one more secret, shown once."""
    asked = AskedSecret(name=name, expires_in=expires_in)

    async def work(config: Config, database: Database) -> MadeSecret:
        tenant = await tenant_id_of(database, slug)
        peppers = config.secret_peppers
        return await actions.add_secret(database, peppers, tenant, ClientId(client_id), asked)

    _show_made(terminal, with_database(terminal, work), _next("list", slug, client_id))


@command(secret, "list")
@_tenant
@_client
def list_(terminal: Terminal, slug: str, client_id: str) -> None:
    """List a client's secrets with their last four characters and their last use."""

    async def work(_: Config, database: Database) -> list[KeptSecret]:
        tenant = await tenant_id_of(database, slug)
        return await actions.list_secrets(database, tenant, ClientId(client_id))

    found = with_database(terminal, work)
    rotates = any(each.replaced_by is not None for each in found)
    terminal.show(
        {"client_id": client_id, "secrets": found},
        "\n".join(secret_line(each) for each in found) or "The client has no secrets.",
        _next("finish" if rotates else "rotate" if found else "add", slug, client_id),
    )


@command(secret, "revoke")
@_tenant
@_client
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask, even if it is the last one.")
def revoke(terminal: Terminal, slug: str, client_id: str, name: str, *, yes: bool) -> None:
    """End a secret now. Tokens that the client got with it live on."""

    def end(*, even_last: bool) -> None:
        async def work(_: Config, database: Database) -> None:
            tenant = await tenant_id_of(database, slug)
            await actions.revoke_secret(
                database, tenant, ClientId(client_id), name, even_last=even_last
            )

        with_database(terminal, work)

    try:
        end(even_last=yes)
    except LastSecret as last:
        terminal.confirm(name, f"{str(last)[0].upper()}{str(last)[1:]}.")
        end(even_last=True)
    terminal.show(
        {"client_id": client_id, "name": name, "revoked": True},
        f"The secret {name} of {client_id} is revoked.",
        _next("list", slug, client_id),
    )


@command(secret, "rotate")
@_tenant
@_client
@_name
@_expires_in
@click.option(
    "--overlap", type=int, default=DAY, show_default=True, help="Seconds the others still work."
)
def rotate(
    terminal: Terminal,
    slug: str,
    client_id: str,
    name: str,
    expires_in: int | None,
    overlap: int,
) -> None:
    """Start a rotation: a new secret, shown once; the others work for a while.

    `finish` ends the others sooner, `cancel` takes the new one away again.
    """
    asked = AskedSecret(name=name, expires_in=expires_in)
    start_rotation(terminal, slug, client_id, asked, overlap)


@command(secret, "finish")
@_tenant
@_client
def finish(terminal: Terminal, slug: str, client_id: str) -> None:
    """Finish the rotation: the secrets that it replaces end now."""

    async def work(_: Config, database: Database) -> list[str]:
        tenant = await tenant_id_of(database, slug)
        return await actions.finish_rotation(database, tenant, ClientId(client_id))

    ended = with_database(terminal, work)
    terminal.show(
        {"client_id": client_id, "rotation": "finished", "ended": ended},
        f"The rotation is finished; ended: {', '.join(ended)}.",
        _next("list", slug, client_id),
    )


@command(secret, "cancel")
@_tenant
@_client
def cancel(terminal: Terminal, slug: str, client_id: str) -> None:
    """Cancel the rotation: its new secret ends now, the others last as they did before."""

    async def work(_: Config, database: Database) -> list[str]:
        tenant = await tenant_id_of(database, slug)
        return await actions.cancel_rotation(database, tenant, ClientId(client_id))

    ended = with_database(terminal, work)
    terminal.show(
        {"client_id": client_id, "rotation": "cancelled", "ended": ended},
        f"The rotation is cancelled; ended: {', '.join(ended) or 'nothing'}.",
        _next("list", slug, client_id),
    )


def start_rotation(
    terminal: Terminal, slug: str, client_id: str, asked: AskedSecret, overlap: int
) -> None:
    async def work(config: Config, database: Database) -> MadeSecret:
        tenant = await tenant_id_of(database, slug)
        return await actions.start_rotation(
            database, config.secret_peppers, tenant, ClientId(client_id), asked, overlap
        )

    following = _next("finish" if overlap else "list", slug, client_id)
    _show_made(terminal, with_database(terminal, work), following)


def secret_line(secret: KeptSecret) -> str:
    made = f"made {_minute(secret.created_at)} by {secret.created_by}"
    used = f"used {_minute(secret.used_at)} from {secret.used_from}" if secret.used_at else "unused"
    parts = [f"…{secret.last_four}", _expiry(secret.expires_at), made, used]
    if secret.replaced_by is not None:
        parts.append(f"replaced by {secret.replaced_by}")
    return f"{secret.name}  {', '.join(parts)}"


def _expiry(at: datetime | None) -> str:
    if at is None:
        return "does not expire"
    return f"{'expires' if at > datetime.now(UTC) else 'expired'} {_minute(at)}"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _show_made(terminal: Terminal, made: MadeSecret, following: str) -> None:
    text = (
        f"client_id      {made.client_id}\n"
        f"name           {made.name}\n"
        f"client_secret  {made.client_secret}"
    )
    terminal.show(made, text, following)
    if not terminal.json:
        terminal.say("The secret is shown once: keep it now.")


def _next(verb: str, slug: str, client_id: str) -> str:
    return f"auth-service secret {verb} --tenant {slug} --client {client_id}"
