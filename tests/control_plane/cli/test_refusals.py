"""What commands refuse: in one line on stderr, with nothing on stdout."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.control_plane.cli.conftest import Cli, Stocked
from tests.support import MASTER_KEY, PEPPER, new_slug

_PROGRAM = Path(sys.executable).with_name("auth-service")
_PATIENCE = 60.0  # seconds

_UNKNOWN_TENANT = [
    ("tenant", "show", "no-such-tenant"),
    ("tenant", "suspend", "no-such-tenant"),
    ("tenant", "resume", "no-such-tenant"),
    ("tenant", "delete", "no-such-tenant", "--yes"),
    ("api", "create", "--tenant", "no-such-tenant", "--identifier", "urn:example:a"),
    ("api", "list", "--tenant", "no-such-tenant"),
    ("client", "create", "--tenant", "no-such-tenant", "--name", "a"),
    ("client", "list", "--tenant", "no-such-tenant"),
    ("client", "show", "--tenant", "no-such-tenant", "c_a"),
    ("client", "disable", "--tenant", "no-such-tenant", "c_a"),
    ("client", "enable", "--tenant", "no-such-tenant", "c_a"),
    ("client", "delete", "--tenant", "no-such-tenant", "c_a", "--yes"),
    ("client", "rotate-secret", "--tenant", "no-such-tenant", "c_a"),
    ("secret", "list", "--tenant", "no-such-tenant", "--client", "c_a"),
    ("secret", "finish", "--tenant", "no-such-tenant", "--client", "c_a"),
    ("workload", "list", "--tenant", "no-such-tenant"),
    ("workload", "remove", "--tenant", "no-such-tenant", "--client", "c_a", "ci"),
    ("keys", "list", "--tenant", "no-such-tenant"),
]


def _id(arguments: tuple[str, ...]) -> str:
    return " ".join(arguments[:2])


@pytest.mark.parametrize("arguments", _UNKNOWN_TENANT, ids=_id)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_an_unknown_tenant_is_refused(
    cli: Cli, arguments: tuple[str, ...], form: tuple[str, ...]
) -> None:
    assert "no such tenant" in cli.refusal(*arguments, *form).lower()


@pytest.mark.parametrize("verb", ["show", "disable", "enable", "delete", "rotate-secret"])
def test_an_unknown_client_is_refused(cli: Cli, stocked: Stocked, verb: str) -> None:
    yes = ["--yes"] if verb == "delete" else []
    said = cli.refusal("client", verb, "--tenant", stocked.slug, "c_nobody", *yes)
    assert "no such client" in said


@pytest.mark.parametrize(
    "slug",
    [
        pytest.param("Acme", id="upper-case"),
        pytest.param("ab", id="short"),
        pytest.param("oauth", id="reserved"),
        pytest.param("a" * 41, id="long"),
        pytest.param("a\nb", id="newline"),
        pytest.param("\udcff\udcfe\udcfd", id="no-utf-8"),
    ],
)
def test_a_malformed_slug_is_refused(cli: Cli, slug: str) -> None:
    assert "slug" in cli.refusal("tenant", "create", slug)


@pytest.mark.parametrize("text", ["\udcff", "a'; DROP TABLE control.tenant; --", "%s", "a\nb"])
def test_a_hostile_name_is_looked_up_and_not_found(cli: Cli, text: str) -> None:
    cli.refusal("tenant", "show", text)
    cli.refusal("client", "list", "--tenant", text)


def test_a_taken_slug_is_refused_also_after_its_tenant_is_deleted(
    cli: Cli, stocked: Stocked
) -> None:
    assert "taken" in cli.refusal("tenant", "create", stocked.slug)
    cli.json("tenant", "delete", stocked.slug, "--yes")
    assert "taken" in cli.refusal("tenant", "create", stocked.slug)


def test_a_bad_name_is_refused(cli: Cli, stocked: Stocked) -> None:
    assert "name" in cli.refusal("tenant", "create", new_slug(), "--name", "a\nb")
    assert "name" in cli.refusal("client", "create", "--tenant", stocked.slug, "--name", " ")
    api = ("api", "create", "--tenant", stocked.slug, "--identifier", "urn:example:b")
    assert "name" in cli.refusal(*api, "--name", "\x1b[31m")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(("--api", "urn:none"), "urn:none", id="api"),
        pytest.param(("--serves", "urn:none"), "urn:none", id="serves"),
        pytest.param(("--scope", "nope"), "nope", id="scope"),
        pytest.param(("--scope", "a  b"), "scope", id="6749-3.3-two-spaces"),
        pytest.param(("--scope", ""), "scope", id="6749-3.3-empty"),
    ],
)
def test_a_client_for_what_is_not_there_is_refused(
    cli: Cli, stocked: Stocked, options: tuple[str, ...], said: str
) -> None:
    arguments = ("client", "create", "--tenant", stocked.slug, "--name", "a", *options)
    assert said in cli.refusal(*arguments)


def test_a_client_without_an_api_is_told_what_to_do(cli: Cli, stocked: Stocked) -> None:
    slug = new_slug()
    cli.json("tenant", "create", slug)
    create = ("client", "create", "--name", "a", "--tenant")
    assert "auth-service api create" in cli.refusal(*create, slug)
    cli.json("api", "create", "--tenant", stocked.slug, "--identifier", "urn:example:b")
    assert "--api" in cli.refusal(*create, stocked.slug)


def test_an_api_that_cannot_be_is_refused(cli: Cli, stocked: Stocked) -> None:
    create = ("api", "create", "--tenant", stocked.slug, "--identifier")
    assert "absolute URI" in cli.refusal(*create, "not-a-uri")
    assert "already" in cli.refusal(*create, stocked.audience)
    assert "scope" in cli.refusal(*create, "urn:example:b", "--scope", "a b")
    cli.refusal(*create, "urn:example:b", "--scope", "a=\udcff")
    assert "59" in cli.usage_error(*create, "urn:example:b", "--token-lifetime", "59")
    assert "HS256" in cli.usage_error(*create, "urn:example:b", "--algorithm", "HS256")
    assert len(cli.json("api", "list", "--tenant", stocked.slug)["apis"]) == 1


@pytest.mark.parametrize("seconds", ["-1", "604801", str(2**70)])
def test_an_overlap_beyond_a_week_is_refused(cli: Cli, stocked: Stocked, seconds: str) -> None:
    one = ("client", "rotate-secret", "--tenant", stocked.slug, stocked.client_id)
    assert "overlap" in cli.refusal(*one, "--overlap", seconds)


def test_deleting_without_a_terminal_needs_yes(cli: Cli, stocked: Stocked) -> None:
    assert "--yes" in cli.usage_error("tenant", "delete", stocked.slug)
    one = ("client", "delete", "--tenant", stocked.slug, stocked.client_id)
    assert "--yes" in cli.usage_error(*one)
    assert cli.json("client", "show", *one[2:])["client"]["enabled"] is True


def on_a_terminal(cli: Cli, typed: str, *arguments: str) -> tuple[int, str]:
    """Run the real program with a terminal as its standard input."""
    ours, theirs = pty.openpty()
    environment = os.environ | {name: each for name, each in cli.environment.items() if each}
    process = subprocess.Popen(
        [_PROGRAM, *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    os.close(theirs)
    try:
        assert process.stdout
        assert select.select([process.stdout], [], [], _PATIENCE)[0], "it asks nothing"
        os.write(ours, typed.encode())
        said = process.communicate(timeout=_PATIENCE)[0].decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return process.returncode, said


def test_a_person_at_a_terminal_types_the_name_to_delete(cli: Cli, stocked: Stocked) -> None:
    delete = ("tenant", "delete", stocked.slug)
    code, said = on_a_terminal(cli, "something-else\n", *delete)
    assert (code, "nothing was done" in said) == (1, True)
    assert cli.json("tenant", "show", stocked.slug)["status"] == "active"
    code, said = on_a_terminal(cli, f"{stocked.slug}\n", *delete)
    assert (code, f"{stocked.slug} is deleted." in said) == (0, True)


@pytest.mark.parametrize("name", ["DATABASE_URL", "MASTER_KEY", "SECRET_PEPPER", "PUBLIC_URL"])
def test_a_missing_variable_is_named(cli: Cli, name: str) -> None:
    assert f"{name} is missing" in cli.refusal("tenant", "list", **{name: None})


def test_a_wrong_variable_is_named_and_its_value_not_shown(cli: Cli) -> None:
    said = cli.refusal("tenant", "list", MASTER_KEY="c4n4ry")
    assert "MASTER_KEY" in said
    assert "c4n4ry" not in said


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://u:c4n4ry@127.0.0.1:1/auth", id="nobody-listens"),
        pytest.param("postgresql://u:c4n4ry@nowhere.invalid/auth", id="no-such-host"),
        pytest.param("postgresql://u:c4n4ry@127.0.0.1:port/auth", id="port-no-number"),
        pytest.param("postgresql://u:c4n4ry@127.0.0.1:99999/auth", id="port-too-high"),
        pytest.param("postgresql://u:c4n4ry@127.0.0.1/auth?sslmode=what", id="unknown-sslmode"),
    ],
)
@pytest.mark.parametrize("arguments", [("tenant", "list"), ("migrate",)], ids=_id)
def test_an_unreachable_database_is_said_in_one_line_without_its_password(
    cli: Cli, url: str, arguments: tuple[str, ...]
) -> None:
    assert "c4n4ry" not in cli.refusal(*arguments, DATABASE_URL=url)


@pytest.mark.parametrize("arguments", [("tenant", "list"), ("migrate", "--check")], ids=_id)
def test_a_wrong_password_or_database_is_said_in_one_line(
    cli: Cli, arguments: tuple[str, ...]
) -> None:
    url = str(cli.environment["DATABASE_URL"])
    login, _, place = url.rpartition("@")
    assert "password" in cli.refusal(*arguments, DATABASE_URL=f"{login}x@{place}")
    other = cli.refusal(*arguments, DATABASE_URL=url.rpartition("/")[0] + "/no_such_database")
    assert "no_such_database" in other


def test_a_database_that_was_never_migrated_is_said_in_one_line(
    cli: Cli, empty_database: str
) -> None:
    cli.refusal("tenant", "list", DATABASE_URL=empty_database)
    cli.refusal("tenant", "create", new_slug(), DATABASE_URL=empty_database)


def test_the_program_itself_ends_without_a_traceback(cli: Cli) -> None:
    environment = {name: each for name, each in cli.environment.items() if each}
    run = subprocess.run(
        [_PROGRAM, "tenant", "show", b"\xff\xfe", "--json"],
        env=environment | {"MASTER_KEY": MASTER_KEY, "SECRET_PEPPER": PEPPER},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, b"")
    assert run.stderr.count(b"\n") == 1
    assert b"Traceback" not in run.stderr
