"""`auth-service api …`."""

import click

from control_plane.apis import actions
from control_plane.apis.repository import ApiRow
from control_plane.apis.rules import NewApi
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from shared.domain.client import MAXIMUM_TOKEN_LIFETIME, MINIMUM_TOKEN_LIFETIME, TokenProfile
from shared.domain.jwk import Algorithm
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer


@click.group()
def api() -> None:
    """Create and list a tenant's APIs."""


@command(api, "create")
@click.option("--tenant", "slug", required=True, help="The tenant's slug.")
@click.option("--identifier", required=True, help="An absolute URI: the tokens' `aud`.")
@click.option("--name", help="For people; the identifier where it is not given.")
@click.option("--scope", "scopes", multiple=True, help="A scope, or scope=description. Repeatable.")
@click.option(
    "--token-lifetime",
    type=click.IntRange(MINIMUM_TOKEN_LIFETIME, MAXIMUM_TOKEN_LIFETIME),
    help="Seconds; TOKEN_TTL where it is not given.",
)
@click.option(
    "--algorithm",
    type=click.Choice([each.value for each in Algorithm], case_sensitive=False),
    default=Algorithm.ES256.value,
    show_default=True,
)
@click.option(
    "--profile",
    type=click.Choice([each.value for each in TokenProfile], case_sensitive=False),
    default=TokenProfile.AT_JWT.value,
    show_default=True,
    help="The tokens' `typ`; Spring Security's default decoder wants JWT.",
)
def create(
    terminal: Terminal,
    slug: str,
    identifier: str,
    name: str | None,
    scopes: tuple[str, ...],
    token_lifetime: int | None,
    algorithm: str,
    profile: str,
) -> None:
    """Create an API that clients can ask tokens for."""

    async def work(config: Config, database: Database) -> NewApi:
        new = NewApi(
            identifier=identifier,
            name=name or identifier,
            scopes=dict(_scope(each) for each in scopes),
            token_lifetime=token_lifetime or config.token_ttl,
            algorithm=Algorithm(algorithm),
            profile=TokenProfile(profile),
        )
        tenant_id = await tenant_id_of(database, slug)
        await actions.create_api(database, Sealer(config.master_keys), tenant_id, new)
        return new

    made = with_database(terminal, work)
    terminal.show(
        made,
        f"API {made.identifier}: {made.algorithm}, tokens live {made.token_lifetime} s",
        f"auth-service client create --tenant {slug} --api {identifier} --name my-service",
    )


@command(api, "list")
@click.option("--tenant", "slug", required=True, help="The tenant's slug.")
def list_(terminal: Terminal, slug: str) -> None:
    """List a tenant's APIs."""

    async def work(_: Config, database: Database) -> list[ApiRow]:
        return await actions.list_apis(database, await tenant_id_of(database, slug))

    found = with_database(terminal, work)
    lines = [
        f"{each.identifier}  {each.algorithm}  {each.token_lifetime} s  {' '.join(each.scopes)}"
        for each in found
    ]
    terminal.show({"apis": found}, "\n".join(lines) or "The tenant has no APIs.")


def _scope(text: str) -> tuple[str, str]:
    """Read `scope` or `scope=description`."""
    scope, _, description = text.partition("=")
    return scope, description
