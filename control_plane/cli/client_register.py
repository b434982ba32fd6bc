"""`auth-service client create` and `client update`: what a client is made of.

The command's group is completed here, so this is the module that `main` names for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from control_plane.apis.actions import list_apis
from control_plane.cli.client import client, show_details, show_registered
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.cli.rate import rate_of_options
from control_plane.clients import actions
from control_plane.clients.actions import RegisteredClient
from control_plane.clients.repository import ClientDetails
from control_plane.clients.rules import (
    ClientChange,
    ClientKeys,
    InvalidClientMetadata,
    NewClient,
)
from shared.domain.client import AuthMethod, DpopUse
from shared.domain.client_jwk import read_key_set
from shared.domain.ids import ClientId, TenantId
from shared.domain.limits import Rate
from shared.domain.scope import Scope, parse_scope
from shared.runtime.config import Config
from shared.runtime.database import Database

__all__ = ["client"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_SHARED = (
    click.option("--tenant", "slug", required=True, help="The tenant's slug."),
    click.option(
        "--api", "apis", multiple=True, help="An API's identifier; the first is the default."
    ),
    click.option("--scope", "scopes", multiple=True, help="A scope; all of the APIs' if none is."),
    click.option("--serves", multiple=True, help="An API whose tokens it may introspect."),
    click.option(
        "--jwks-file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="The client's public keys, as a JWKS, for private_key_jwt.",
    ),
    click.option("--jwks-uri", help="Or where they are read from, by https."),
    click.option(
        "--legacy-assertions/--no-legacy-assertions",
        default=None,
        help="Take assertions for the token endpoint too, that live up to an hour.",
    ),
    click.option(
        "--dpop",
        type=click.Choice([each.value for each in DpopUse]),
        help="Whether its tokens are bound to a key of its own (RFC 9449).",
    ),
    click.option(
        "--claim",
        "claims",
        multiple=True,
        help="name=value, a static claim of its tokens; the value is JSON or else text.",
    ),
    click.option("--rate", type=int, help="Token requests a second, its own limit."),
    click.option("--burst", type=int, help="Token requests at once; twice the rate if not given."),
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options that both commands have, as they were typed."""

    slug: str
    apis: tuple[str, ...]
    scopes: tuple[str, ...]
    serves: tuple[str, ...]
    jwks_file: Path | None
    jwks_uri: str | None
    legacy_assertions: bool | None
    dpop: str | None
    claims: tuple[str, ...]
    rate: int | None
    burst: int | None

    def read_keys(self) -> ClientKeys | None:
        if self.jwks_file is None and self.jwks_uri is None:
            return None
        jwks = () if self.jwks_file is None else read_key_set(self.jwks_file.read_bytes())
        return ClientKeys(jwks=jwks, jwks_uri=self.jwks_uri)

    def read_scopes(self) -> Scope | None:
        """Read each --scope, which may hold several with spaces between."""
        if not self.scopes:
            return None
        return frozenset[str]().union(*(parse_scope(text) for text in self.scopes))

    def read_claims(self) -> dict[str, Any]:
        return dict(_claim(text) for text in self.claims)

    def read_rate(self) -> Rate | None:
        return rate_of_options(self.rate, self.burst)


def _shared(function: Decorated) -> Decorated:
    for option in reversed(_SHARED):
        function = option(function)
    return function


@command(client, "create")
@_shared
@click.option("--name", required=True, help="For people.")
@click.option(
    "--auth-method",
    type=click.Choice([each.value for each in AuthMethod]),
    help="How it proves itself: private_key_jwt where a key set is given, or by a secret.",
)
def create(terminal: Terminal, name: str, auth_method: str | None, **options: Any) -> None:
    """Register a client. A secret, where it has one, is shown once."""
    asked = Asked(**options)
    keys = asked.read_keys()
    method = AuthMethod.CLIENT_SECRET if keys is None else AuthMethod.PRIVATE_KEY_JWT

    async def work(config: Config, database: Database) -> RegisteredClient:
        tenant_id = await tenant_id_of(database, asked.slug)
        serves_only = () if asked.serves else await _only_api(database, tenant_id)
        new = NewClient(
            name=name,
            apis=asked.apis or serves_only,
            scopes=asked.read_scopes(),
            serves=asked.serves,
            auth_method=method if auth_method is None else AuthMethod(auth_method),
            keys=keys,
            legacy_assertions=bool(asked.legacy_assertions),
            dpop=DpopUse(asked.dpop or DpopUse.OPTIONAL),
            claims=asked.read_claims(),
            rate=asked.read_rate(),
        )
        return await actions.register_client(
            database, config.secret_peppers, tenant_id, new, config.outbound_networks
        )

    show_registered(terminal, asked.slug, with_database(terminal, work))


@command(client, "update")
@click.argument("client_id")
@_shared
@click.option("--name", help="For people.")
@click.option("--no-claims", is_flag=True, help="Take all static claims away.")
@click.option("--no-rate", is_flag=True, help="Take its own limit away.")
def update(
    terminal: Terminal,
    client_id: str,
    name: str | None,
    *,
    no_claims: bool,
    no_rate: bool,
    **options: Any,
) -> None:
    """Change a client: what is not named stays. --api and --claim give all it has from now on."""
    asked = Asked(**options)
    change = ClientChange(
        name=name,
        apis=asked.apis or None,
        scopes=asked.read_scopes(),
        serves=asked.serves or None,
        keys=asked.read_keys(),
        legacy_assertions=asked.legacy_assertions,
        dpop=None if asked.dpop is None else DpopUse(asked.dpop),
        claims=asked.read_claims() if asked.claims or no_claims else None,
        rate=asked.read_rate(),
        no_rate=no_rate,
    )

    async def work(config: Config, database: Database) -> ClientDetails:
        tenant_id = await tenant_id_of(database, asked.slug)
        return await actions.change_client(
            database, tenant_id, ClientId(client_id), change, config.outbound_networks
        )

    show_details(terminal, with_database(terminal, work))


def _claim(text: str) -> tuple[str, Any]:
    """Read name=value."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError("--claim takes name=value")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


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
