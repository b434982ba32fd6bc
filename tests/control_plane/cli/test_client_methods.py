"""`client create` and `client update` with keys, DPoP and claims; `api update` and `api delete`."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.assertions import new_key_pair
from tests.control_plane.cli.conftest import Cli, Stocked


@pytest.fixture
def jwks_file(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_bytes(msgspec.json.encode({"keys": [new_key_pair("k1")[1]]}))
    return path


def test_a_client_with_a_key_set_has_no_secret(cli: Cli, stocked: Stocked, jwks_file: Path) -> None:
    arguments = ("--tenant", stocked.slug, "--name", "signs", "--jwks-file", str(jwks_file))
    made = cli.json("client", "create", *arguments)
    assert set(made) == {"client_id"}
    shown = cli.json("client", "show", "--tenant", stocked.slug, made["client_id"])
    assert shown["client"]["auth_method"] == "private_key_jwt"
    assert [key["kid"] for key in shown["client"]["jwks"]] == ["k1"]
    text = cli.text("client", "show", "--tenant", stocked.slug, made["client_id"]).stdout
    assert "key      EC k1\n" in text


def test_a_private_key_is_refused_and_not_repeated(
    cli: Cli, stocked: Stocked, tmp_path: Path
) -> None:
    _, public = new_key_pair("k1")
    path = tmp_path / "private.json"
    private = msgspec.to_builtins(public) | {"d": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"}
    path.write_text(json.dumps({"keys": [private]}))
    arguments = ("--tenant", stocked.slug, "--name", "signs", "--jwks-file", str(path))
    assert "c2VjcmV0" not in cli.refusal("client", "create", *arguments)


def test_a_client_is_updated(cli: Cli, stocked: Stocked) -> None:
    found = cli.json(
        *("client", "update", "--tenant", stocked.slug, stocked.client_id),
        *("--name", "renamed", "--dpop", "required", "--api", stocked.audience),
        *("--scope", "read", "--claim", "region=eu", "--claim", "level=3"),
    )
    assert (found["client"]["name"], found["client"]["dpop"]) == ("renamed", "required")
    assert found["client"]["claims"] == {"region": "eu", "level": 3}
    assert found["grants"] == {stocked.audience: ["read"]}
    bare = cli.json("client", "update", "--tenant", stocked.slug, stocked.client_id, "--no-claims")
    assert bare["client"]["claims"] == {}
    assert bare["client"]["name"] == "renamed"


@pytest.mark.parametrize("claim", ["sub=me", "iss=x", "scope=admin"])
def test_d16_a_registered_claim_is_refused(cli: Cli, stocked: Stocked, claim: str) -> None:
    cli.refusal("client", "update", "--tenant", stocked.slug, stocked.client_id, "--claim", claim)


def test_a_claim_without_a_value_is_a_usage_error(cli: Cli, stocked: Stocked) -> None:
    arguments = ("--tenant", stocked.slug, stocked.client_id, "--claim", "region")
    assert "name=value" in cli.usage_error("client", "update", *arguments)


def test_an_api_is_updated_and_deleted(cli: Cli, stocked: Stocked) -> None:
    second = "https://second.example"
    cli.json("api", "create", "--tenant", stocked.slug, "--identifier", second)
    changed = cli.json(
        *("api", "update", "--tenant", stocked.slug, second),
        *("--name", "Second", "--token-lifetime", "120", "--scope", "go=Go on"),
    )
    assert (changed["name"], changed["token_lifetime"]) == ("Second", 120)
    assert changed["scopes"] == {"go": "Go on"}
    gone = cli.json("api", "delete", "--tenant", stocked.slug, second, "--yes")
    assert gone == {"identifier": second, "deleted": True}


def test_an_api_in_use_is_not_deleted(cli: Cli, stocked: Stocked) -> None:
    arguments = ("--tenant", stocked.slug, stocked.audience, "--yes")
    assert "1 clients" in cli.refusal("api", "delete", *arguments)
