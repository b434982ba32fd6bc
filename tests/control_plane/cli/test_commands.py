"""Every command with --json and as text, on a real database."""

import json
import re

import click
import pytest

from control_plane.cli.main import main
from tests.control_plane.cli.conftest import Cli, Stocked
from tests.support import new_slug


def test_a_tenant_is_created_shown_and_listed(cli: Cli) -> None:
    slug = new_slug()
    made = cli.json("tenant", "create", slug, "--name", "Ünïcode")
    assert (made["slug"], made["name"], made["status"]) == (slug, "Ünïcode", "active")
    assert made["issuer"] == f"{cli.environment['PUBLIC_URL']}/t/{slug}"
    assert cli.json("tenant", "show", slug) == made
    assert made in cli.json("tenant", "list", "--limit", "1000")["tenants"]


def test_the_slug_may_be_an_option_and_is_the_name_where_none_is_given(cli: Cli) -> None:
    slug = new_slug()
    assert cli.json("tenant", "create", "--slug", slug)["name"] == slug


def test_a_tenant_as_text_names_its_issuer_and_what_comes_next(cli: Cli) -> None:
    slug = new_slug()
    made = cli.text("tenant", "create", slug)
    assert f"/t/{slug}\n" in made.stdout
    assert f"Next: auth-service api create --tenant {slug}" in made.stderr
    assert made.stdout == cli.text("tenant", "show", slug).stdout
    assert slug in cli.text("tenant", "list", "--limit", "1000").stdout


def test_tenants_are_listed_a_page_at_a_time(cli: Cli) -> None:
    made = sorted(cli.json("tenant", "create", new_slug("zz-page"))["slug"] for _ in range(3))
    first = cli.json("tenant", "list", "--after", "zz-page", "--limit", "2")
    assert ([each["slug"] for each in first["tenants"]], first["next"]) == (made[:2], made[1])
    rest = cli.json("tenant", "list", "--after", first["next"], "--limit", "2")
    assert ([each["slug"] for each in rest["tenants"]], rest["next"]) == (made[2:], None)
    text = cli.text("tenant", "list", "--after", "zz-page", "--limit", "2")
    assert f"Next: auth-service tenant list --after {made[1]}" in text.stderr


def test_a_tenant_is_suspended_resumed_and_deleted(cli: Cli, stocked: Stocked) -> None:
    slug = stocked.slug
    assert cli.json("tenant", "suspend", slug)["status"] == "suspended"
    assert cli.json("tenant", "show", slug)["status"] == "suspended"
    assert cli.json("tenant", "resume", slug)["status"] == "active"
    assert cli.json("tenant", "delete", slug, "--yes")["status"] == "deleted"
    assert "no such tenant" in cli.refusal("tenant", "show", slug).lower()


def test_the_states_are_said_as_text(cli: Cli, stocked: Stocked) -> None:
    assert cli.text("tenant", "suspend", stocked.slug).stdout == f"{stocked.slug} is suspended.\n"
    assert cli.text("tenant", "resume", stocked.slug).stdout == f"{stocked.slug} is active.\n"
    deleted = cli.text("tenant", "delete", stocked.slug, "--yes")
    assert deleted.stdout == f"{stocked.slug} is deleted.\n"


def test_a_tenant_is_renamed_and_exported_and_its_deletion_undone(
    cli: Cli, stocked: Stocked
) -> None:
    slug = stocked.slug
    assert cli.json("tenant", "rename", slug, "Ünïcode")["name"] == "Ünïcode"
    assert cli.text("tenant", "rename", slug, "Acme").stdout == f"{slug} is named Acme.\n"
    exported = cli.json("tenant", "export", slug)
    assert json.loads(cli.text("tenant", "export", slug).stdout) == exported
    assert exported["tenant"]["name"] == "Acme"
    assert [each["identifier"] for each in exported["apis"]] == [stocked.audience]
    assert "digest" not in json.dumps(exported)
    kept = cli.json("tenant", "undo-deletion", slug)
    assert (kept["status"], kept["deletes_at"]) == ("active", None)


def test_an_api_is_listed_as_it_was_created(cli: Cli, stocked: Stocked) -> None:
    made = cli.json(
        *("api", "create", "--tenant", stocked.slug, "--identifier", "urn:example:b"),
        *("--name", "Second", "--scope", "a=what a does", "--token-lifetime", "90"),
        *("--algorithm", "eddsa", "--profile", "jwt"),
    )
    assert (made["algorithm"], made["profile"], made["token_lifetime"]) == ("EdDSA", "JWT", 90)
    first, second = cli.json("api", "list", "--tenant", stocked.slug)["apis"]
    assert first["scopes"] == {"read": "Read things", "write": ""}
    assert first["token_lifetime"] == 3600
    assert {name: second[name] for name in made} == made
    listed = cli.text("api", "list", "--tenant", stocked.slug).stdout
    assert [line.split()[0] for line in listed.splitlines()] == [stocked.audience, "urn:example:b"]


def test_an_api_as_text_says_what_comes_next(cli: Cli) -> None:
    slug = new_slug()
    cli.text("tenant", "create", slug)
    assert "no APIs" in cli.text("api", "list", "--tenant", slug).stdout
    assert "no clients" in cli.text("client", "list", "--tenant", slug).stdout
    made = cli.text("api", "create", "--tenant", slug, "--identifier", "urn:example:a")
    assert f"Next: auth-service client create --tenant {slug} --api urn:example:a" in made.stderr


def test_token_ttl_is_the_lifetime_where_none_is_given(cli: Cli, stocked: Stocked) -> None:
    arguments = ("api", "create", "--tenant", stocked.slug, "--identifier", "urn:example:c")
    assert cli.json(*arguments, TOKEN_TTL="77")["token_lifetime"] == 77


def test_a_client_is_shown_as_it_was_created(cli: Cli, stocked: Stocked) -> None:
    made = cli.json(
        *("client", "create", "--tenant", stocked.slug, "--name", "second"),
        *("--api", stocked.audience, "--scope", "read", "--serves", stocked.audience),
    )
    assert made.keys() == {"client_id", "client_secret"}
    shown = cli.json("client", "show", "--tenant", stocked.slug, made["client_id"])
    assert shown["grants"] == {stocked.audience: ["read"]}
    assert (shown["client"]["name"], shown["client"]["serves"]) == ("second", [stocked.audience])
    assert [each["last_four"] for each in shown["secrets"]] == [made["client_secret"][-4:]]
    assert made["client_secret"] not in json.dumps(shown)


def test_several_scopes_may_stand_in_one_option(cli: Cli, stocked: Stocked) -> None:
    made = cli.json(
        *("client", "create", "--tenant", stocked.slug, "--name", "n", "--scope", "read write")
    )
    shown = cli.json("client", "show", "--tenant", stocked.slug, made["client_id"])
    assert shown["grants"] == {stocked.audience: ["read", "write"]}


def test_a_client_as_text_shows_the_secret_once_and_says_so(cli: Cli, stocked: Stocked) -> None:
    made = cli.text("client", "create", "--tenant", stocked.slug, "--name", "second")
    client_id, secret = re.findall(r"^client_(?:id|secret) +(\S+)$", made.stdout, re.MULTILINE)
    assert "shown once" in made.stderr
    assert f"Next: auth-service token get --tenant {stocked.slug}" in made.stderr
    shown = cli.text("client", "show", "--tenant", stocked.slug, client_id).stdout
    assert f"…{secret[-4:]}, does not expire" in shown
    assert secret not in shown
    assert client_id in cli.text("client", "list", "--tenant", stocked.slug).stdout


def test_clients_are_listed_a_page_at_a_time(cli: Cli, stocked: Stocked) -> None:
    made = {stocked.client_id}
    for name in ("b", "c"):
        made.add(
            cli.json("client", "create", "--tenant", stocked.slug, "--name", name)["client_id"]
        )
    found: list[str] = []
    after: list[str] = []
    while page := cli.json("client", "list", "--tenant", stocked.slug, "--limit", "1", *after):
        found += [each["client_id"] for each in page["clients"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert found == sorted(made)


def test_a_client_is_disabled_enabled_and_deleted(cli: Cli, stocked: Stocked) -> None:
    one = ("--tenant", stocked.slug, stocked.client_id)
    off = {"client_id": stocked.client_id, "enabled": False}
    assert cli.json("client", "disable", *one) == off
    assert cli.json("client", "show", *one)["client"]["enabled"] is False
    assert "(disabled)" in cli.text("client", "show", *one).stdout
    assert cli.json("client", "enable", *one) == off | {"enabled": True}
    gone = {"client_id": stocked.client_id, "deleted": True}
    assert cli.json("client", "delete", *one, "--yes") == gone
    assert "no such client" in cli.refusal("client", "show", *one)


def test_a_client_changed_as_text_is_named(cli: Cli, stocked: Stocked) -> None:
    one = ("--tenant", stocked.slug, stocked.client_id)
    disabled = cli.text("client", "disable", *one)
    assert disabled.stdout == f"{stocked.client_id} is disabled.\n"
    assert "Next: auth-service client enable" in disabled.stderr
    assert cli.text("client", "enable", *one).stdout == f"{stocked.client_id} is enabled.\n"
    deleted = cli.text("client", "delete", *one, "--yes")
    assert deleted.stdout == f"{stocked.client_id} is deleted.\n"


def test_a_rotated_secret_is_new_and_the_old_one_ends(cli: Cli, stocked: Stocked) -> None:
    one = ("--tenant", stocked.slug, stocked.client_id)
    made = cli.json("client", "rotate-secret", *one, "--overlap", "600")
    assert made["client_id"] == stocked.client_id
    assert made["client_secret"] != stocked.client_secret
    old, new = cli.json("client", "show", *one)["secrets"]
    assert (old["expires_at"] is None, new["expires_at"] is None) == (False, True)
    assert ", expires 20" in cli.text("client", "show", *one).stdout


def test_the_keys_are_listed_with_their_states(cli: Cli, stocked: Stocked) -> None:
    found = cli.json("keys", "list", "--tenant", stocked.slug)["keys"]
    assert [(key["algorithm"], key["state"]) for key in found] == [
        ("ES256", "current"),
        ("RS256", "current"),
    ]
    text = cli.text("keys", "list", "--tenant", stocked.slug).stdout
    assert [line.split()[0] for line in text.splitlines()] == [key["kid"] for key in found]


def all_commands() -> list[tuple[str, click.Command]]:
    context = click.Context(main)
    found: list[tuple[str, click.Command]] = []
    waiting: list[tuple[str, click.Command | None]] = [
        (name, main.get_command(context, name)) for name in main.list_commands(context)
    ]
    while waiting:
        name, each = waiting.pop()
        assert each is not None
        if isinstance(each, click.Group):
            below = each.list_commands(context)
            waiting += [(f"{name} {one}", each.get_command(context, one)) for one in below]
        else:
            found.append((name, each))
    return sorted(found)


_COMMANDS = [pytest.param(each, id=name) for name, each in all_commands()]


@pytest.mark.parametrize("each", _COMMANDS)
def test_no_command_takes_a_secret_as_an_option(each: click.Command) -> None:
    options = [name for parameter in each.params for name in parameter.opts]
    # the process list and the shell's history show them to everybody
    assert not [name for name in options if re.search("secret|password|pepper|key|url", name)]


@pytest.mark.parametrize("each", _COMMANDS)
def test_every_command_says_what_it_does_and_takes_json(each: click.Command) -> None:
    assert each.help
    if each.name not in {"completion", "openapi"}:  # they print a document of one form
        assert {"--json", "--no-input", "--data-dir"} <= {
            name for parameter in each.params for name in parameter.opts
        }


def test_the_commands_of_the_first_release_are_all_there() -> None:
    expected = """
        dev, migrate, doctor, completion, serve data,
        tenant create, tenant list, tenant show, tenant suspend, tenant resume, tenant delete,
        api create, api list, client create, client list, client show, client disable,
        client enable, client delete, client rotate-secret, keys list,
        token get, token decode, token introspect, token revoke
    """
    assert {" ".join(name.split()) for name in expected.split(",")} <= {
        n for n, _ in all_commands()
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_the_shell(cli: Cli, shell: str) -> None:
    assert f"_AUTH_SERVICE_COMPLETE={shell}_complete" in cli.text("completion", shell).stdout


def test_help_lists_every_command(cli: Cli) -> None:
    shown = cli.text("--help").stdout
    for name in main.list_commands(click.Context(main)):
        assert re.search(rf"^  {name} ", shown, re.MULTILINE)
