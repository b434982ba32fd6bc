"""`auth-service client …`."""

import click
import msgspec

from control_plane.apis.actions import list_apis
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.clients import actions
from control_plane.clients.actions import RegisteredClient
from control_plane.clients.repository import ClientDetails, ClientRow
from control_plane.clients.rules import InvalidClientMetadata, NewClient
from shared.domain.ids import ClientId, TenantId
from shared.domain.scope import Scope, parse_scope
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


@command(client, "create")
@_tenant
@click.option("--name", required=True, help="For people.")
@click.option("--api", "apis", multiple=True, help="An API's identifier; the first is the default.")
@click.option("--scope", "scopes", multiple=True, help="A scope; all of the APIs' where none is.")
@click.option("--serves", multiple=True, help="An API whose tokens this client may introspect.")
def create(
    terminal: Terminal,
    slug: str,
    name: str,
    apis: tuple[str, ...],
    scopes: tuple[str, ...],
    serves: tuple[str, ...],
) -> None:
    """Register a client. Its secret is shown once."""

    async def work(config: Config, database: Database) -> RegisteredClient:
        tenant_id = await tenant_id_of(database, slug)
        new = NewClient(
            name=name,
            apis=apis or (() if serves else await _only_api(database, tenant_id)),
            scopes=_scopes(scopes),
            serves=serves,
        )
        return await actions.register_client(database, config.secret_peppers, tenant_id, new)

    made = with_database(terminal, work)
    _show_secret(terminal, slug, made)


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

    found = with_database(terminal, work)
    grants = [f"api      {api}: {' '.join(scopes)}" for api, scopes in found.grants.items()]
    secrets = [
        f"secret   …{each.last_four}, "
        + (f"expires {each.expires_at.isoformat()}" if each.expires_at else "does not expire")
        for each in found.secrets
    ]
    state = "enabled" if found.client.enabled else "disabled"
    lines = [f"client   {client_id} ({state})", f"name     {found.client.name}", *grants, *secrets]
    terminal.show(found, "\n".join(lines))


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
    "--overlap", type=int, default=24 * 3600, show_default=True, help="Seconds the old one works."
)
def rotate_secret(terminal: Terminal, slug: str, client_id: str, overlap: int) -> None:
    """Give the client a new secret, shown once; the old ones work for a while."""

    async def work(config: Config, database: Database) -> RegisteredClient:
        return await actions.rotate_secret(
            database,
            config.secret_peppers,
            await tenant_id_of(database, slug),
            ClientId(client_id),
            overlap,
        )

    _show_secret(terminal, slug, with_database(terminal, work))


def _show_secret(terminal: Terminal, slug: str, made: RegisteredClient) -> None:
    text = f"client_id      {made.client_id}\nclient_secret  {made.client_secret}"
    terminal.show(
        made, text, f"auth-service token get --tenant {slug} --client-id {made.client_id}"
    )
    if not terminal.json:
        terminal.say("The secret is shown once: keep it now.")


def _state(client_id: str, *, enabled: bool) -> dict[str, str | bool]:
    return {"client_id": client_id, "enabled": enabled}


def _scopes(texts: tuple[str, ...]) -> Scope | None:
    """Read each --scope, which may hold several with spaces between."""
    if not texts:
        return None
    return frozenset[str]().union(*(parse_scope(text) for text in texts))


async def _only_api(database: Database, tenant_id: TenantId) -> tuple[str, ...]:
    """Name the tenant's API where there is one, so that --api need not."""
    apis = await list_apis(database, tenant_id)
    if len(apis) != 1:
        raise InvalidClientMetadata(
            "Create an API first: auth-service api create"
            if not apis
            else "The tenant has several APIs: say with --api which the client may ask for"
        )
    return (apis[0].identifier,)
