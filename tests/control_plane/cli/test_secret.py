"""`auth-service secret …` on a real database."""

import re
from typing import Any

import pytest

from tests.control_plane.cli.conftest import Cli, Stocked


@pytest.fixture
def of_client(stocked: Stocked) -> tuple[str, ...]:
    return "--tenant", stocked.slug, "--client", stocked.client_id


def held(cli: Cli, of_client: tuple[str, ...]) -> dict[str, Any]:
    return {each["name"]: each for each in cli.json("secret", "list", *of_client)["secrets"]}


def test_an_added_secret_is_listed_and_revoked(cli: Cli, of_client: tuple[str, ...]) -> None:
    made = cli.json("secret", "add", *of_client, "--name", "ci", "--expires-in", "3600")
    assert made.keys() == {"client_id", "name", "client_secret"}
    found = held(cli, of_client)
    assert list(found) == ["first", "ci"]
    ci = found["ci"]
    assert ci["last_four"] == made["client_secret"][-4:]
    assert (ci["created_by"], ci["used_at"], ci["used_from"]) == ("operator", None, None)
    assert made["client_secret"] not in str(found)
    gone = cli.json("secret", "revoke", *of_client, "ci")
    assert gone == {"client_id": of_client[3], "name": "ci", "revoked": True}
    assert list(held(cli, of_client)) == ["first"]


def test_client_show_has_the_same_of_each_secret(
    cli: Cli, stocked: Stocked, of_client: tuple[str, ...]
) -> None:
    shown = cli.json("client", "show", "--tenant", stocked.slug, stocked.client_id)
    assert shown["secrets"] == list(held(cli, of_client).values())
    listed = cli.text("secret", "list", *of_client).stdout
    text = cli.text("client", "show", "--tenant", stocked.slug, stocked.client_id).stdout
    assert f"secret   {listed}" in text


def test_a_secret_as_text_is_shown_once_and_the_next_command_is_named(
    cli: Cli, of_client: tuple[str, ...]
) -> None:
    of = " ".join(of_client)
    made = cli.text("secret", "add", *of_client)
    (secret,) = re.findall(r"^client_secret  (\S+)$", made.stdout, re.MULTILINE)
    assert f"Next: auth-service secret list {of}" in made.stderr
    assert "shown once" in made.stderr
    listed = cli.text("secret", "list", *of_client)
    assert secret not in listed.stdout
    assert re.search(
        rf"^20\S+  …{secret[-4:]}, does not expire, made 20.* UTC by operator, unused$",
        listed.stdout,
        re.MULTILINE,
    )
    assert f"Next: auth-service secret rotate {of}" in listed.stderr


def test_a_rotation_is_started_shown_and_finished(cli: Cli, of_client: tuple[str, ...]) -> None:
    of = " ".join(of_client)
    made = cli.text("secret", "rotate", *of_client, "--name", "new", "--overlap", "600")
    assert f"Next: auth-service secret finish {of}" in made.stderr
    listed = cli.text("secret", "list", *of_client)
    assert "replaced by new\n" in listed.stdout
    assert f"Next: auth-service secret finish {of}" in listed.stderr
    finished = cli.text("secret", "finish", *of_client)
    assert finished.stdout == "The rotation is finished; ended: first.\n"
    assert f"Next: auth-service secret list {of}" in finished.stderr
    assert list(held(cli, of_client)) == ["new"]


def test_a_rotation_is_cancelled(cli: Cli, of_client: tuple[str, ...]) -> None:
    before = held(cli, of_client)
    cli.json("secret", "rotate", *of_client, "--name", "new")
    assert cli.json("secret", "cancel", *of_client) == {
        "client_id": of_client[3],
        "rotation": "cancelled",
        "ended": ["new"],
    }
    assert held(cli, of_client) == before


def test_while_a_rotation_is_open_another_is_refused(
    cli: Cli, stocked: Stocked, of_client: tuple[str, ...]
) -> None:
    cli.json("secret", "rotate", *of_client)
    assert "finish or cancel" in cli.refusal("secret", "rotate", *of_client)
    one = ("client", "rotate-secret", "--tenant", stocked.slug, stocked.client_id)
    assert "finish or cancel" in cli.refusal(*one)


def test_without_a_rotation_there_is_none_to_end(cli: Cli, of_client: tuple[str, ...]) -> None:
    for verb in ("finish", "cancel"):
        assert "no rotation" in cli.refusal("secret", verb, *of_client)


def test_the_last_secret_is_revoked_only_with_yes(cli: Cli, of_client: tuple[str, ...]) -> None:
    said = cli.usage_error("secret", "revoke", *of_client, "first")
    assert "last live secret" in said
    assert "--yes" in said
    assert list(held(cli, of_client)) == ["first"]
    cli.json("secret", "revoke", *of_client, "first", "--yes")
    empty = cli.text("secret", "list", *of_client)
    assert empty.stdout == "The client has no secrets.\n"
    assert "Next: auth-service secret add" in empty.stderr


def test_what_cannot_be_is_refused(cli: Cli, of_client: tuple[str, ...]) -> None:
    assert "expires" in cli.refusal("secret", "add", *of_client, "--expires-in", "0")
    assert "name" in cli.refusal("secret", "add", *of_client, "--name", "first")
    assert "overlap" in cli.refusal("secret", "rotate", *of_client, "--overlap", "604801")
    assert "no live secret" in cli.refusal("secret", "revoke", *of_client, "nobody")
    nobody = (*of_client[:3], "c_nobody")
    for verb in ("add", "list", "rotate", "finish", "cancel"):
        assert "no such client" in cli.refusal("secret", verb, *nobody)
