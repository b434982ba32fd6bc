"""`auth-service workload …` on a real database."""

import asyncio
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from control_plane.cli.database import tenant_id_of
from shared.domain.ids import ClientId
from tests.assertions import new_key_pair
from tests.control_plane.cli.conftest import Cli, Stocked
from tests.support import opened, prove_by_workload

_GITHUB = "https://token.actions.githubusercontent.com"
_OUTSIDE = "https://outside.example"


@pytest.fixture
def of_client(cli: Cli, stocked: Stocked) -> tuple[str, ...]:
    """The options that name a client which proves itself by workload identity."""
    url = cli.environment["DATABASE_URL"]
    assert url is not None

    async def prove() -> None:
        async with opened(url) as database:
            tenant = await tenant_id_of(database, stocked.slug)
            await prove_by_workload(database, tenant, ClientId(stocked.client_id))

    asyncio.run(prove())
    return "--tenant", stocked.slug, "--client", stocked.client_id


@pytest.fixture
def add(of_client: tuple[str, ...]) -> tuple[str, ...]:
    return "workload", "add", *of_client, "--name", "ci"


def own_issuer(cli: Cli, stocked: Stocked) -> str:
    return f"{cli.environment['PUBLIC_URL']}/t/{stocked.slug}"


def jwt(claims: dict[str, Any]) -> str:
    parts = (json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b"signed")
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_a_rule_of_a_preset_is_added_listed_and_removed(
    cli: Cli, stocked: Stocked, add: tuple[str, ...], of_client: tuple[str, ...]
) -> None:
    rule = cli.json(*add, "--preset", "github", "--repository", "octo/app", "--ref", "main")
    assert rule == {
        "name": "ci",
        "issuer": _GITHUB,
        "claims": {"repository": "octo/app", "ref": "refs/heads/main"},
    }
    (held,) = cli.json("workload", "list", "--tenant", stocked.slug)["clients"]
    assert (held["client_id"], held["workloads"]) == (stocked.client_id, [rule])
    assert cli.json("workload", "list", *of_client)["clients"] == [held]
    assert cli.json("workload", "remove", *of_client, "ci")["removed"]
    assert cli.json("workload", "list", *of_client)["clients"][0]["workloads"] == []
    assert "no rule" in cli.refusal("workload", "remove", *of_client, "ci")
    assert cli.text("workload", "list", "--tenant", stocked.slug).stdout == "There are no rules.\n"


def test_a_rule_of_ones_own_has_an_issuer_claims_and_a_key_set(
    cli: Cli, add: tuple[str, ...], tmp_path: Path
) -> None:
    jwks = tmp_path / "jwks.json"
    _, public = new_key_pair("k1")
    members = msgspec.to_builtins(public)
    jwks.write_text(json.dumps({"keys": [members | {"z": 1}]}))
    rule = cli.json(
        *(*add, "--issuer", _OUTSIDE, "--audience", "api://x", "--jwks-file", str(jwks)),
        *("--claim", "sub=a=b", "--claim", "/kubernetes.io/namespace=ci-*"),
    )
    assert rule["claims"] == {"sub": "a=b", "/kubernetes.io/namespace": "ci-*"}
    assert (rule["issuer"], rule["audience"]) == (_OUTSIDE, "api://x")
    assert rule["jwks"] == [members]


def test_a_rule_as_text_says_what_comes_next(
    cli: Cli, stocked: Stocked, add: tuple[str, ...]
) -> None:
    added = cli.text(*add, "--preset", "google", "--service-account", "1042")
    line = f"{stocked.client_id}  ci: https://accounts.google.com sub=1042\n"
    assert added.stdout == line
    assert f"Next: auth-service workload explain --tenant {stocked.slug}" in added.stderr
    assert cli.text("workload", "list", "--tenant", stocked.slug).stdout == line


@pytest.mark.parametrize("as_jwt", [True, False], ids=["jwt", "claims"])
def test_a_token_is_explained_rule_by_rule_without_being_shown(
    cli: Cli, stocked: Stocked, add: tuple[str, ...], tmp_path: Path, *, as_jwt: bool
) -> None:
    cli.json(*add, "--preset", "github", "--repository", "octo/app")
    cli.json(*add[:-1], "prod", "--preset", "github", "--repository-id", "7")
    claims = {"iss": _GITHUB, "aud": own_issuer(cli, stocked), "repository": "octo/app"}
    token = jwt(claims) if as_jwt else json.dumps(claims)
    explain = ("workload", "explain", "--tenant", stocked.slug)

    explained = cli.json(*explain, stdin=token)
    first, second = explained["rules"]
    assert explained["verified"] is False
    assert (first["rule"], first["matches"], first["reason"]) == ("ci", True, None)
    assert (second["rule"], second["matches"]) == ("prod", False)
    assert second["reason"] == "the claim repository_id is absent, and the pattern is 7"

    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    said = cli.text(*explain, "--client", stocked.client_id, "--token-file", str(file))
    assert said.stdout == (
        f"{stocked.client_id}  ci: matches\n{stocked.client_id}  prod: {second['reason']}\n"
    )
    assert "Neither the signature nor the times were verified." in said.stderr
    assert token not in said.output


def test_a_rule_of_a_disabled_client_is_explained_as_such(
    cli: Cli, stocked: Stocked, add: tuple[str, ...]
) -> None:
    cli.json(*add, "--issuer", _OUTSIDE, "--claim", "sub=a")
    cli.json("client", "disable", "--tenant", stocked.slug, stocked.client_id)
    explain = ("workload", "explain", "--tenant", stocked.slug)
    assert cli.json(*explain, stdin="{}")["rules"][0]["enabled"] is False
    assert "(the client is disabled)" in cli.text(*explain, stdin="{}").stdout


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("not-a-jwt", id="text"),
        pytest.param("a.b.c", id="no-base64"),
        pytest.param("[]", id="array"),
        pytest.param(f"a.{urlsafe_b64encode(b'[1]').decode()}.c", id="claims-are-an-array"),
        pytest.param("{" * 100_000, id="deep"),
        pytest.param('{"a":' + "[" * 50_000, id="deeper"),
        pytest.param('{"a":' + "9" * 5000 + "}", id="endless-number"),
        pytest.param("{}" + " " * 50 + "x" * 100_000, id="long"),
        pytest.param("a.é.c", id="not-ascii"),
    ],
)
def test_what_is_no_token_is_refused_and_not_echoed(cli: Cli, stocked: Stocked, token: str) -> None:
    said = cli.refusal("workload", "explain", "--tenant", stocked.slug, stdin=token)
    assert said == "Error: This is neither a JWT nor a JSON object of claims."


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param((), "needs --name, --issuer", id="no-issuer"),
        pytest.param(("--issuer", _OUTSIDE, "--project", "a/b"), "takes --audience", id="project"),
        pytest.param(("--preset", "kubernetes"), "--namespace", id="kubernetes"),
        pytest.param(("--preset", "github", "--issuer", _OUTSIDE), "--ref", id="github-issuer"),
        pytest.param(("--issuer", _OUTSIDE, "--claim", "sub"), "CLAIM=PATTERN", id="claim"),
    ],
)
def test_options_that_do_not_go_together_are_a_usage_error(
    cli: Cli, add: tuple[str, ...], options: tuple[str, ...], words: str
) -> None:
    assert words in cli.usage_error(*add, *options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--issuer", _OUTSIDE), "1 to 10 claims", id="no-claims"),
        pytest.param(("--issuer", _OUTSIDE, "--claim", "sub=**"), "match everybody", id="all"),
        pytest.param(("--preset", "github", "--ref", "main"), "everybody has tokens", id="ref"),
        pytest.param(("--issuer", "http://a.example", "--claim", "sub=a"), "https", id="http"),
    ],
)
def test_a_rule_that_says_nobody_is_refused(
    cli: Cli, add: tuple[str, ...], options: tuple[str, ...], words: str
) -> None:
    assert words in cli.refusal(*add, *options)


@pytest.mark.parametrize("text", ["", "[]", '{"keys": [1]}', '{"keys": [{"kty": 1}]}', "\xff"])
def test_a_file_that_is_no_key_set_is_refused(
    cli: Cli, add: tuple[str, ...], tmp_path: Path, text: str
) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(text.encode("latin-1"))
    options = ("--issuer", _OUTSIDE, "--claim", "sub=a", "--jwks-file", str(file))
    assert "key" in cli.refusal(*add, *options)


def test_a_client_with_a_secret_gets_no_rule(cli: Cli, stocked: Stocked) -> None:
    of_client = ("--tenant", stocked.slug, "--client", stocked.client_id)
    rule = ("--name", "ci", "--preset", "google", "--service-account", "1")
    said = cli.refusal("workload", "add", *of_client, *rule)
    assert "proves itself by client_secret" in said


def test_an_unknown_client_is_refused(cli: Cli, stocked: Stocked) -> None:
    nobody = ("--tenant", stocked.slug, "--client", "c_nobody")
    assert "no such client" in cli.refusal("workload", "list", *nobody)
    assert "no such client" in cli.refusal("workload", "remove", *nobody, "ci")
    assert "no such client" in cli.refusal("workload", "explain", *nobody, stdin="{}")
