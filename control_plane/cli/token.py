"""`auth-service token …`: a client of the issuer, as any other would be."""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode, urlsafe_b64decode
from typing import Any

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.cli.demo import read_demo
from control_plane.cli.settings import Login, load_config
from control_plane.usage.actions import find_token
from control_plane.usage.rules import IssuedToken
from shared.domain.issuer import issuer_url, parse_slug
from shared.runtime.config import Config
from shared.runtime.database import Database

_TIMEOUT = 10  # seconds
_SECRET = "CLIENT_SECRET"

_tenant = click.option("--tenant", "slug", default="demo", show_default=True)
_client = click.option("--client-id", help="The demo client where it is not given.")
_token = click.argument("token_text", metavar="[TOKEN]", default="-")


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and where."""

    issuer: str
    client_id: str
    client_secret: str


@click.group()
def token() -> None:
    """Get, decode, introspect, revoke and find tokens.

    The client's secret comes from the variable CLIENT_SECRET or a prompt, never from an option.
    TOKEN may be left out or '-': it is read from standard input then.
    """


@command(token, "get")
@_tenant
@_client
@click.option("--scope", "scopes", multiple=True)
@click.option("--audience", help="The API; the client's default where it is not given.")
def get(
    terminal: Terminal,
    slug: str,
    client_id: str | None,
    scopes: tuple[str, ...],
    audience: str | None,
) -> None:
    """Fetch an access token."""
    form = {"grant_type": "client_credentials"}
    if scopes:
        form["scope"] = " ".join(scopes)
    if audience:
        form["audience"] = audience
    answer = _post(_caller(terminal, slug, client_id), "token", form)
    terminal.show(answer, str(answer.get("access_token", "")), "auth-service token decode < token")


@command(token, "decode")
@_token
def decode(terminal: Terminal, token_text: str) -> None:
    """Show a token's header and claims. Nothing is verified."""
    try:
        header, claims, _ = _read(token_text).split(".")
        shown = {"header": _part(header), "claims": _part(claims)}
    except (ValueError, RecursionError):
        raise click.ClickException("This is not a JWT.") from None
    terminal.show(msgspec.Raw(json.dumps(shown).encode()), json.dumps(shown, indent=2))
    terminal.say("" if terminal.json else "The signature was not verified.")


@command(token, "introspect")
@_tenant
@_client
@_token
def introspect(terminal: Terminal, slug: str, client_id: str | None, token_text: str) -> None:
    """Ask the issuer whether a token is active."""
    answer = _post(_caller(terminal, slug, client_id), "introspect", {"token": _read(token_text)})
    terminal.show(answer, json.dumps(answer, indent=2))


@command(token, "revoke")
@_tenant
@_client
@_token
def revoke(terminal: Terminal, slug: str, client_id: str | None, token_text: str) -> None:
    """Have the issuer refuse a token from now on."""
    _post(_caller(terminal, slug, client_id), "revoke", {"token": _read(token_text)})
    terminal.show({"revoked": True}, "Revoked.")


@command(token, "find")
@click.option("--tenant", "slug", required=True, help="The tenant's slug.")
@click.option("--jti", required=True, help="The token's id.")
def find(terminal: Terminal, slug: str, jti: str) -> None:
    """Find a token in the ledger by its `jti`."""

    async def work(_: Config, database: Database) -> IssuedToken:
        return await find_token(database, await tenant_id_of(database, slug), jti)

    found = with_database(terminal, work)
    terminal.show(
        found,
        f"jti        {found.jti}\n"
        f"client_id  {found.client_id}\n"
        f"issued     {found.issued_at:%Y-%m-%d %H:%M:%S} UTC, for {found.lifetime} s",
        f"auth-service logs --tenant {slug} --client {found.client_id}",
    )


def _caller(terminal: Terminal, slug: str, client_id: str | None) -> Caller:
    config = load_config(terminal.data_dir, Login.CONTROL)
    issuer = issuer_url(config.public_url, parse_slug(slug))
    demo = read_demo(terminal.data_dir)
    if demo is not None and demo.slug == slug and client_id in {None, demo.client_id}:
        return Caller(issuer=issuer, client_id=demo.client_id, client_secret=demo.client_secret)
    if client_id is None:
        raise click.UsageError("Name the client with --client-id.")
    secret = os.environ.get(_SECRET)
    if secret is None:
        if not terminal.asks:
            raise click.UsageError(f"Give the client's secret in the variable {_SECRET}.")
        secret = click.prompt("client_secret", hide_input=True, err=True)
    return Caller(issuer=issuer, client_id=client_id, client_secret=secret)


def _read(token_text: str) -> str:
    return (sys.stdin.read() if token_text == "-" else token_text).strip()


def _part(encoded: str) -> Any:
    return json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def _post(caller: Caller, endpoint: str, form: dict[str, str]) -> dict[str, Any]:
    credentials = b64encode(f"{caller.client_id}:{caller.client_secret}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - PUBLIC_URL is http or https
        f"{caller.issuer}/oauth/{endpoint}",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": f"Basic {credentials}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - as above
            body = answer.read()
    except urllib.error.HTTPError as error:
        raise click.ClickException(_refusal(error)) from error
    except OSError as error:
        raise click.ClickException(f"{caller.issuer} does not answer: {error}") from error
    try:
        decoded: dict[str, Any] = json.loads(body) if body else {}
    except ValueError:
        raise click.ClickException(f"{caller.issuer} does not answer in JSON.") from None
    return decoded


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        body = json.loads(error.read())
        return f"{error.code} {body['error']}: {body['error_description']}"
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
