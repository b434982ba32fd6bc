"""`auth-service api …`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from control_plane.apis import actions
from control_plane.apis.repository import ApiRow
from control_plane.apis.rules import ApiChange, NewApi
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from shared.domain.client import MAXIMUM_TOKEN_LIFETIME, MINIMUM_TOKEN_LIFETIME, TokenProfile
from shared.domain.jwk import Algorithm
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@click.group()
def api() -> None:
    """Create, list, change and delete a tenant's APIs."""


_tenant = click.option("--tenant", "slug", required=True, help="The tenant's slug.")
_lifetime = click.option(
    "--token-lifetime",
    type=click.IntRange(MINIMUM_TOKEN_LIFETIME, MAXIMUM_TOKEN_LIFETIME),
    help="Seconds; in create TOKEN_TTL where it is not given.",
)


def _algorithm(default: str | None = None) -> Callable[[Decorated], Decorated]:
    return click.option(
        "--algorithm",
        type=click.Choice([each.value for each in Algorithm], case_sensitive=False),
        default=default,
        show_default=default is not None,
    )


def _profile(default: str | None = None) -> Callable[[Decorated], Decorated]:
    return click.option(
        "--profile",
        type=click.Choice([each.value for each in TokenProfile], case_sensitive=False),
        default=default,
        show_default=default is not None,
        help="The tokens' `typ`; Spring Security's default decoder wants JWT.",
    )


@command(api, "create")
@_tenant
@click.option("--identifier", required=True, help="An absolute URI: the tokens' `aud`.")
@click.option("--name", help="For people; the identifier where it is not given.")
@click.option("--scope", "scopes", multiple=True, help="A scope, or scope=description. Repeatable.")
@_lifetime
@_algorithm(Algorithm.ES256.value)
@_profile(TokenProfile.AT_JWT.value)
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
        _line(made),
        f"auth-service client create --tenant {slug} --api {identifier} --name my-service",
    )


@command(api, "update")
@_tenant
@click.argument("identifier")
@click.option("--name", help="For people.")
@click.option("--scope", "scopes", multiple=True, help="All its scopes from now on; see create.")
@_lifetime
@_algorithm()
@_profile()
def update(
    terminal: Terminal,
    slug: str,
    identifier: str,
    name: str | None,
    scopes: tuple[str, ...],
    token_lifetime: int | None,
    algorithm: str | None,
    profile: str | None,
) -> None:
    """Change an API. A scope that it loses is taken from its clients too."""
    change = ApiChange(
        name=name,
        scopes=dict(_scope(each) for each in scopes) if scopes else None,
        token_lifetime=token_lifetime,
        algorithm=None if algorithm is None else Algorithm(algorithm),
        profile=None if profile is None else TokenProfile(profile),
    )

    async def work(config: Config, database: Database) -> NewApi:
        tenant_id = await tenant_id_of(database, slug)
        sealer = Sealer(config.master_keys)
        return await actions.change_api(database, sealer, tenant_id, identifier, change)

    terminal.show(made := with_database(terminal, work), _line(made))


@command(api, "delete")
@_tenant
@click.argument("identifier")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(terminal: Terminal, slug: str, identifier: str, *, yes: bool) -> None:
    """Delete an API that no client may ask for any more."""
    if not yes:
        terminal.confirm(identifier, "This deletes the API for good.")

    async def work(_: Config, database: Database) -> None:
        await actions.delete_api(database, await tenant_id_of(database, slug), identifier)

    with_database(terminal, work)
    terminal.show({"identifier": identifier, "deleted": True}, f"{identifier} is deleted.")


@command(api, "list")
@_tenant
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


def _line(api: NewApi) -> str:
    return f"API {api.identifier}: {api.algorithm}, tokens live {api.token_lifetime} s"


def _scope(text: str) -> tuple[str, str]:
    """Read `scope` or `scope=description`."""
    scope, _, description = text.partition("=")
    return scope, description
