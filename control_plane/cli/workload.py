"""`auth-service workload …`: which JWTs of outside issuers stand for a client."""

import inspect
from collections.abc import Callable
from typing import Any, BinaryIO, TextIO

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import tenant_id_of, with_database
from control_plane.workloads import actions
from control_plane.workloads.forms import LONGEST_JWT, read_claims
from control_plane.workloads.rules import HeldWorkloads
from shared.domain.client_jwk import read_key_set
from shared.domain.ids import ClientId
from shared.domain.issuer import issuer_url
from shared.domain.workload import Match, Mismatch, WorkloadRule, match_workload
from shared.domain.workload_presets import PRESETS
from shared.runtime.config import Config
from shared.runtime.database import Database

_PAGE = 500

_tenant = click.option("--tenant", "slug", required=True, help="The tenant's slug.")
_client = click.option("--client", "client_id", required=True, help="The client's id.")
_any_client = click.option("--client", "client_id", help="Only this client.")

# what a rule is made from; each preset takes some of them
_PARTS = (
    click.option("--name", required=True, help="The rule's name, for people."),
    click.option("--audience", help="The JWT's audience; the tenant's issuer where not given."),
    click.option("--issuer", help="The outside issuer; presets of a public one know it."),
    click.option("--repository", help="github: owner/name."),
    click.option("--repository-id", help="github: the number, which no renaming changes."),
    click.option("--environment", help="github: a deployment environment."),
    click.option("--project", help="gitlab: group/name."),
    click.option("--project-id", help="gitlab: the number, which no renaming changes."),
    click.option("--ref", help="github, gitlab: a branch, or refs/tags/…"),
    click.option("--namespace", help="kubernetes."),
    click.option("--service-account", help="kubernetes: its name. google: its e-mail or id."),
    click.option("--azure-tenant", help="azure: the directory's id."),
    click.option("--object-id", help="azure: of the managed identity or service principal."),
    click.option("--app-id", help="azure: the application's id, besides the object's."),
    click.option("--token-version", type=int, help="azure: 1 or 2, as the API is registered."),
    click.option("--trust-domain", help="spiffe."),
    click.option("--path", help="spiffe: the path of the SPIFFE ID, a pattern."),
)


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    client_id: str
    enabled: bool
    rule: str
    matches: bool
    reason: str | None


@click.group()
def workload() -> None:
    """Let JWTs of GitHub, Kubernetes and others prove a client.

    In a pattern * is any run without / and :, and ** any run at all.
    """


def _rule_parts(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_PARTS):
        function = option(function)
    return function


@command(workload, "add")
@_tenant
@_client
@click.option("--preset", type=click.Choice(list(PRESETS)), help="The platform that issues them.")
@_rule_parts
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="CLAIM=PATTERN",
    help="One more claim; a nested one as a JSON Pointer: /kubernetes.io/namespace.",
)
@click.option(
    "--jwks-file", type=click.File("rb"), help="The issuer's JWKS, where it cannot be reached."
)
def add(
    terminal: Terminal,
    slug: str,
    client_id: str,
    preset: str | None,
    claims: tuple[str, ...],
    jwks_file: BinaryIO | None,
    **parts: str | int | None,
) -> None:
    """Add a rule to a client."""
    made = _make_rule(preset, {name: part for name, part in parts.items() if part is not None})
    rule = msgspec.structs.replace(
        made,
        claims=made.claims | dict(_split_claim(each) for each in claims),
        jwks=read_key_set(jwks_file.read()) if jwks_file else (),
    )

    async def work(_: Config, database: Database) -> None:
        tenant_id = await tenant_id_of(database, slug)
        await actions.add_workload(database, tenant_id, ClientId(client_id), rule)

    with_database(terminal, work)
    check = f"auth-service workload explain --tenant {slug} --client {client_id} < token"
    terminal.show(rule, _line(client_id, rule), check)


@command(workload, "list")
@_tenant
@_any_client
def list_(terminal: Terminal, slug: str, client_id: str | None) -> None:
    """List the rules of all clients, or of one."""
    _, found = _held(terminal, slug, client_id)
    lines = [_line(each.client_id, rule) for each in found for rule in each.workloads]
    terminal.show({"clients": found}, "\n".join(lines) or "There are no rules.")


@command(workload, "remove")
@_tenant
@_client
@click.argument("name")
def remove(terminal: Terminal, slug: str, client_id: str, name: str) -> None:
    """Take a rule from a client. Tokens that it got with it live on."""

    async def work(_: Config, database: Database) -> None:
        tenant_id = await tenant_id_of(database, slug)
        await actions.remove_workload(database, tenant_id, ClientId(client_id), name)

    with_database(terminal, work)
    gone = {"client_id": client_id, "rule": name, "removed": True}
    terminal.show(gone, f"{client_id} has no rule {name} any more.")


@command(workload, "explain")
@_tenant
@_any_client
@click.option(
    "--token-file",
    type=click.File("r"),
    default="-",
    help="A JWT, or a JSON object of claims; standard input where it is not given.",
)
def explain(terminal: Terminal, slug: str, client_id: str | None, token_file: TextIO) -> None:
    """Say which rules a JWT matches, and why it does not match the others.

    A dry run: neither the signature nor the times are verified.
    """
    claims = read_claims(token_file.read(LONGEST_JWT + 1))
    own_issuer, found = _held(terminal, slug, client_id)
    explained = [
        _explain(each, match_workload(rule, claims, own_issuer))
        for each in found
        for rule in each.workloads
    ]
    lines = [
        f"{each.client_id}  {each.rule}: {'matches' if each.matches else each.reason}"
        + ("" if each.enabled else " (the client is disabled)")
        for each in explained
    ]
    terminal.show(
        {"verified": False, "rules": explained}, "\n".join(lines) or "There are no rules."
    )
    terminal.say("" if terminal.json else "Neither the signature nor the times were verified.")


def _held(terminal: Terminal, slug: str, client_id: str | None) -> tuple[str, list[HeldWorkloads]]:
    """Give the tenant's issuer URL, and the rules of one client or of all."""

    async def work(config: Config, database: Database) -> tuple[str, list[HeldWorkloads]]:
        tenant_id = await tenant_id_of(database, slug)
        own_issuer = issuer_url(config.public_url, slug)
        if client_id is not None:
            one = await actions.show_workloads(database, tenant_id, ClientId(client_id))
            return own_issuer, [one]
        found: list[HeldWorkloads] = []
        after = ClientId("")
        while page := await actions.list_workloads(database, tenant_id, after=after, limit=_PAGE):
            found += page
            after = page[-1].client_id
        return own_issuer, found

    return with_database(terminal, work)


def _make_rule(preset: str | None, parts: dict[str, Any]) -> WorkloadRule:
    make = _plain_rule if preset is None else PRESETS[preset]
    signature = inspect.signature(make)
    try:
        signature.bind(**parts)
    except TypeError:
        known = signature.parameters.values()
        needed = [_flag(each.name) for each in known if each.default is each.empty]
        others = [_flag(each.name) for each in known if each.default is not each.empty]
        raise click.UsageError(
            f"{f'--preset {preset}' if preset else 'A rule without --preset'} needs "
            f"{', '.join(needed)} and takes {', '.join(others)}."
        ) from None
    return make(**parts)


def _plain_rule(name: str, *, issuer: str, audience: str | None = None) -> WorkloadRule:
    return WorkloadRule(name=name, issuer=issuer, claims={}, audience=audience)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _split_claim(text: str) -> tuple[str, str]:
    name, equals, pattern = text.partition("=")
    if not equals:
        raise click.UsageError("Write a claim as CLAIM=PATTERN.")
    return name, pattern


def _explain(held: HeldWorkloads, outcome: Match | Mismatch) -> Explained:
    return Explained(
        client_id=held.client_id,
        enabled=held.enabled,
        rule=outcome.rule,
        matches=isinstance(outcome, Match),
        reason=outcome.reason if isinstance(outcome, Mismatch) else None,
    )


def _line(client_id: str, rule: WorkloadRule) -> str:
    patterns = " ".join(f"{name}={pattern}" for name, pattern in rule.claims.items())
    audience = f" aud={rule.audience}" if rule.audience else ""
    return f"{client_id}  {rule.name}: {rule.issuer}{audience} {patterns}"
