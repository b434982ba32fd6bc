"""The commands for accounts, their API keys, and revoking at the machine."""

from pathlib import Path

import httpx
import pytest

from control_plane.cli.settings import read_kept, write_kept
from tests.control_plane.cli.conftest import Cli, Stocked
from tests.management import KEYS, bearer, jwks_of
from tests.support import new_slug


def test_an_account_has_tenants(cli: Cli) -> None:
    made = cli.json("account", "create", "Acme")
    assert made in cli.json("account", "list", "--limit", "1000")["accounts"]
    assert made["id"] in cli.text("account", "list", "--limit", "1000").stdout
    slug = new_slug()
    assert cli.json("tenant", "create", slug, "--account", made["id"])["account"] == made["id"]
    assert cli.json("tenant", "show", slug)["account"] == made["id"]
    assert f"account  {made['id']}\n" in cli.text("tenant", "show", slug).stdout
    assert cli.json("tenant", "create", new_slug())["account"] == "operator"
    assert "no such account" in cli.refusal("tenant", "create", new_slug(), "--account", "a_x")


def test_an_api_key_revokes_until_it_is_revoked(cli: Cli, stocked: Stocked) -> None:
    made = cli.json("api-key", "create", "--account", "operator", "--scope", "revoke:tokens")
    assert made.keys() == {"client_id", "client_secret", "token_endpoint", "audience"}
    listed = cli.json("api-key", "list", "--limit", "1000")["api_keys"]
    assert made["client_id"] in {each["client_id"] for each in listed}
    answer = httpx.post(
        made["token_endpoint"],
        data={"grant_type": "client_credentials", "audience": made["audience"]},
        auth=(made["client_id"], made["client_secret"]),
    )
    url = f"{cli.environment['PUBLIC_URL']}/t/{stocked.slug}/admin/revoke"
    headers = bearer(answer.json()["access_token"])
    assert httpx.post(url, data={"everything": "true"}, headers=headers).status_code == 200
    gone = cli.json("api-key", "revoke", made["client_id"], "--yes")
    assert gone == {"client_id": made["client_id"], "revoked": True}
    assert made["client_id"] not in cli.text("api-key", "list", "--limit", "1000").stdout


def test_an_api_key_as_text_shows_the_secret_once(cli: Cli) -> None:
    made = cli.text("api-key", "create", "--account", "operator", "--scope", "read:usage")
    assert "client_secret   as_cs_" in made.stdout
    assert "shown once" in made.stderr
    assert "no such account" in cli.refusal(
        "api-key", "create", "--account", "a_x", "--scope", "read:usage"
    )
    assert "read:nothing" in cli.usage_error(
        "api-key", "create", "--account", "operator", "--scope", "read:nothing"
    )


def test_tokens_are_revoked_by_client_and_by_tenant(cli: Cli, stocked: Stocked) -> None:
    one = ("client", "revoke-tokens", "--tenant", stocked.slug, stocked.client_id)
    assert cli.json(*one) == {"client_id": stocked.client_id, "tokens_revoked": True}
    every = ("tenant", "revoke-tokens", stocked.slug)
    assert "--yes" in cli.usage_error(*every, "--no-input")
    assert cli.json(*every, "--yes") == {"slug": stocked.slug, "tokens_revoked": True}
    assert "no such client" in cli.refusal(*one[:-1], "c_unknown")
    assert "no such tenant" in cli.refusal("tenant", "revoke-tokens", "no-such-tenant", "--yes")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_key_set_of_several_lines_is_kept_as_one(line_end: str, tmp_path: Path) -> None:
    text = jwks_of(KEYS).replace(",", f",{line_end}")
    write_kept(tmp_path, {"OPERATOR_KEYS": text, "PUBLIC_URL": "https://id.example"})
    kept = read_kept(tmp_path)
    assert kept.keys() == {"OPERATOR_KEYS", "PUBLIC_URL"}
    assert kept["OPERATOR_KEYS"].replace(" ", "") == jwks_of(KEYS)
