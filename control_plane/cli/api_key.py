"""`auth-service api-key …`."""

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import with_database
from control_plane.management import actions
from control_plane.management.rules import DAY, MAXIMUM_EXPIRY, ApiKey, NewApiKey
from shared.domain.ids import ClientId
from shared.domain.issuer import issuer_url
from shared.domain.management import MANAGEMENT_SCOPES, SYSTEM_SLUG, management_audience
from shared.runtime.config import Config
from shared.runtime.database import Database


class ShownApiKey(msgspec.Struct, frozen=True, kw_only=True):
    client_id: ClientId
    client_secret: str
    token_endpoint: str
    audience: str


class ApiKeyPage(msgspec.Struct, frozen=True, kw_only=True):
    api_keys: list[ApiKey]
    next: str | None  # what to give as --after for the next page


@click.group()
def api_key() -> None:
    """Create, list and revoke API keys: clients that may manage what an account has."""


@command(api_key, "create")
@click.option("--account", required=True, help="The account's id.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(list(MANAGEMENT_SCOPES)),
    help="What it may do. Repeatable.",
)
@click.option("--tenant", "tenants", multiple=True, help="Only for this one. Repeatable.")
@click.option(
    "--expires-days",
    type=click.IntRange(1, MAXIMUM_EXPIRY // DAY),
    default=MAXIMUM_EXPIRY // DAY,
    show_default=True,
)
@click.option("--name", default="API key", show_default=True, help="For people.")
def create(
    terminal: Terminal,
    account: str,
    scopes: tuple[str, ...],
    tenants: tuple[str, ...],
    expires_days: int,
    name: str,
) -> None:
    """Create an API key. Its secret is shown once."""

    async def work(config: Config, database: Database) -> ShownApiKey:
        new = NewApiKey(
            account=account,
            name=name,
            scopes=frozenset(scopes),
            tenants=tenants,
            expires_in=expires_days * DAY,
        )
        made = await actions.create_api_key(database, config, new)
        return ShownApiKey(
            client_id=made.client_id,
            client_secret=made.client_secret,
            token_endpoint=f"{issuer_url(config.public_url, SYSTEM_SLUG)}/oauth/token",
            audience=management_audience(config.console_url),
        )

    made = with_database(terminal, work)
    text = (
        f"client_id       {made.client_id}\n"
        f"client_secret   {made.client_secret}\n"
        f"token_endpoint  {made.token_endpoint}\n"
        f"audience        {made.audience}"
    )
    terminal.show(made, text, "auth-service api-key list")
    if not terminal.json:
        terminal.say("The secret is shown once: keep it now.")


@command(api_key, "list")
@click.option("--account", help="Only this account's, and all of them.")
@click.option("--after", default="", help="The last client_id of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
def list_(terminal: Terminal, account: str | None, after: str, limit: int) -> None:
    """List the API keys of all accounts by client_id, a page at a time."""

    async def work(_: Config, database: Database) -> list[ApiKey]:
        if account is not None:
            return await actions.api_keys_of(database, account)
        return await actions.list_api_keys(database, after=ClientId(after), limit=limit)

    found = with_database(terminal, work)
    following = found[-1].client_id if len(found) == limit and account is None else None
    terminal.show(
        ApiKeyPage(api_keys=found, next=following),
        "\n".join(f"{each.client_id}  {each.account:<20}  {each.name}" for each in found)
        or "There are no API keys.",
        f"auth-service api-key list --after {following}" if following else "",
    )


@command(api_key, "revoke")
@click.argument("client_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def revoke(terminal: Terminal, client_id: str, *, yes: bool) -> None:
    """Delete an API key and refuse every token it holds."""
    if not yes:
        terminal.confirm(client_id, "This deletes the API key for good.")

    async def work(_: Config, database: Database) -> None:
        await actions.revoke_api_key(database, ClientId(client_id))

    with_database(terminal, work)
    terminal.show({"client_id": client_id, "revoked": True}, f"{client_id} is revoked.")
