"""`auth-service client …`."""

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.cli.secret import DAY, secret_line, start_rotation
from control_plane.clients import actions
from control_plane.clients.actions import RegisteredClient
from control_plane.clients.repository import ClientDetails, ClientRow
from control_plane.secrets.rules import AskedSecret
from shared.domain.ids import ClientId
from shared.runtime.config import Config
from shared.runtime.database import Database

_tenant = click.option("--tenant", "slug", required=True, help="The tenant's slug.")
_client_id = click.argument("client_id")


class ClientPage(msgspec.Struct, frozen=True, kw_only=True):
    clients: list[ClientRow]
    next: str | None  # what to give as --after for the next page


@click.group()
def client() -> None:
    """Register and change a tenant's clients."""


@command(client, "list")
@_tenant
@click.option("--after", default="", help="The last client_id of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
def list_(terminal: Terminal, slug: str, after: str, limit: int) -> None:
    """List a tenant's clients by client_id, a page at a time."""

    async def work(_: Config, database: Database) -> list[ClientRow]:
        tenant_id = await tenant_id_of(database, slug)
        return await actions.list_clients(database, tenant_id, after=ClientId(after), limit=limit)

    found = with_database(terminal, work)
    following = found[-1].client_id if len(found) == limit else None
    lines = [
        f"{each.client_id}  {'enabled ' if each.enabled else 'disabled'}  {each.name}"
        for each in found
    ]
    terminal.show(
        ClientPage(clients=found, next=following),
        "\n".join(lines) or "The tenant has no clients.",
        f"auth-service client list --tenant {slug} --after {following}" if following else "",
    )


@command(client, "show")
@_tenant
@_client_id
def show(terminal: Terminal, slug: str, client_id: str) -> None:
    """Show a client, its APIs and scopes, and its secrets' last four characters."""

    async def work(_: Config, database: Database) -> ClientDetails:
        tenant_id = await tenant_id_of(database, slug)
        return await actions.show_client(database, tenant_id, ClientId(client_id))

    show_details(terminal, with_database(terminal, work))


@command(client, "disable")
@_tenant
@_client_id
def disable(terminal: Terminal, slug: str, client_id: str) -> None:
    """Refuse the client and every token it holds."""

    async def work(_: Config, database: Database) -> None:
        await actions.disable_client(
            database, await tenant_id_of(database, slug), ClientId(client_id)
        )

    with_database(terminal, work)
    again = f"auth-service client enable --tenant {slug} {client_id}"
    terminal.show(_state(client_id, enabled=False), f"{client_id} is disabled.", again)


@command(client, "enable")
@_tenant
@_client_id
def enable(terminal: Terminal, slug: str, client_id: str) -> None:
    """Let the client ask for tokens again. Tokens from before stay refused."""

    async def work(_: Config, database: Database) -> None:
        await actions.enable_client(
            database, await tenant_id_of(database, slug), ClientId(client_id)
        )

    with_database(terminal, work)
    terminal.show(_state(client_id, enabled=True), f"{client_id} is enabled.")


@command(client, "delete")
@_tenant
@_client_id
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(terminal: Terminal, slug: str, client_id: str, *, yes: bool) -> None:
    """Delete a client and refuse every token it holds."""
    if not yes:
        terminal.confirm(client_id, "This deletes the client for good.")

    async def work(_: Config, database: Database) -> None:
        await actions.delete_client(
            database, await tenant_id_of(database, slug), ClientId(client_id)
        )

    with_database(terminal, work)
    terminal.show({"client_id": client_id, "deleted": True}, f"{client_id} is deleted.")


@command(client, "revoke-tokens")
@_tenant
@_client_id
def revoke_tokens(terminal: Terminal, slug: str, client_id: str) -> None:
    """Refuse every token that the client has been issued until now."""

    async def work(_: Config, database: Database) -> None:
        await actions.revoke_tokens(
            database, await tenant_id_of(database, slug), ClientId(client_id)
        )

    with_database(terminal, work)
    shown = {"client_id": client_id, "tokens_revoked": True}
    terminal.show(shown, f"Every token of {client_id} is refused.")


@command(client, "rotate-secret")
@_tenant
@_client_id
@click.option(
    "--overlap", type=int, default=DAY, show_default=True, help="Seconds the old one works."
)
def rotate_secret(terminal: Terminal, slug: str, client_id: str, overlap: int) -> None:
    """Give the client a new secret, shown once; the old ones work for a while.

    The same as `auth-service secret rotate`, which has more to say about the new one.
    """

    start_rotation(terminal, slug, client_id, AskedSecret(), overlap)


def show_details(terminal: Terminal, found: ClientDetails) -> None:
    client = found.client
    state = "enabled" if client.enabled else "disabled"
    lines = [
        f"client   {client.client_id} ({state})",
        f"name     {client.name}",
        f"proof    {client.auth_method}, DPoP {client.dpop}",
        *(f"api      {api}: {' '.join(scopes)}" for api, scopes in found.grants.items()),
        *(f"serves   {api}" for api in client.serves),
        *(f"key      {key.kty} {key.kid or '(without kid)'}" for key in client.jwks or ()),
        *([f"keys at  {client.jwks_uri}"] if client.jwks_uri else []),
        *(f"claim    {name}={value}" for name, value in client.claims.items()),
        *(f"workload {rule.name}: {rule.issuer}" for rule in client.workloads),
        *(
            [f"limit    {client.token_rate}/s, {client.token_burst} at once"]
            if client.token_rate
            else []
        ),
        *(f"secret   {secret_line(secret)}" for secret in found.secrets),
    ]
    terminal.show(found, "\n".join(lines))


def show_registered(terminal: Terminal, slug: str, made: RegisteredClient) -> None:
    if not made.client_secret:
        following = f"auth-service client show --tenant {slug} {made.client_id}"
        terminal.show(made, f"client_id      {made.client_id}", following)
        return
    text = f"client_id      {made.client_id}\nclient_secret  {made.client_secret}"
    terminal.show(
        made, text, f"auth-service token get --tenant {slug} --client-id {made.client_id}"
    )
    if not terminal.json:
        terminal.say("The secret is shown once: keep it now.")


def _state(client_id: str, *, enabled: bool) -> dict[str, str | bool]:
    return {"client_id": client_id, "enabled": enabled}
