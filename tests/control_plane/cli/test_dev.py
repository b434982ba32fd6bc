"""`auth-service dev`: from nothing to a token, and back to nothing."""

import re
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import pytest

from tests.conftest import free_port, run_postgres
from tests.control_plane.cli.conftest import NOTHING_SET, Cli, Serving
from tests.control_plane.cli.development import (
    PATIENCE,
    Ran,
    fetch_token,
    run_dev,
    until,
    verify,
)
from tests.control_plane.conftest import DEBIAN_POSTGRES
from tests.support import MASTER_KEY

_MEMORY = Path("/dev/shm")  # noqa: S108 - no fixed name in it
_FIELDS = [
    *("issuer", "client_id", "client_secret", "audience", "token_endpoint", "jwks_uri"),
    *("database_url", "console_url", "console_email", "console_password", "support_url"),
]


def test_it_prints_one_json_line_with_all_that_a_client_needs(first: Ran) -> None:
    assert first.stdout.count("\n") == 1
    assert list(first.announced) == _FIELDS
    assert first.announced["issuer"] == f"http://127.0.0.1:{first.port}/t/demo"


def test_what_the_background_work_does_by_routine_is_not_told_beside_it(first: Ran) -> None:
    assert "audit anchor" not in first.stderr


def test_a_token_of_the_printed_client_verifies_by_the_printed_keys(first: Ran) -> None:
    assert first.claims["client_id"] == first.announced["client_id"]
    assert first.claims["aud"] == first.announced["audience"]


def test_the_printed_database_is_a_running_postgresql_of_its_own(first: Ran) -> None:
    assert any("postgres" in each for each in first.started)
    assert first.announced["database_url"].startswith("postgresql://auth_owner:")


def test_it_forks_its_parts_where_no_thread_runs(first: Ran) -> None:
    assert first.threads == 1


def test_a_second_start_is_the_first_again_and_sigterm_ends_it(first: Ran, used_dir: Path) -> None:
    with run_dev(used_dir, first.port, "--json") as dev:
        announced = dev.announced()
        ports_vary = {"database_url", "console_url", "support_url"}
        same = [name for name in _FIELDS if name not in ports_vary]
        assert [announced[name] for name in same] == [first.announced[name] for name in same]
        assert verify(first.token, announced) == first.claims
        verify(fetch_token(announced), announced)
        typed = announced["token_endpoint"].replace("127.0.0.1", "localhost")
        verify(fetch_token(announced | {"token_endpoint": typed}), announced)
        dev.process.send_signal(signal.SIGTERM)
        assert (dev.end(), dev.left_behind()) == (0, [])
        assert "Traceback" not in dev.stderr
        assert dev.stdout.count("\n") == 1


def test_the_other_commands_find_what_dev_has_left_in_its_directory(serving: Serving) -> None:
    cli = beside(serving.data_dir)
    assert_all_is_well(cli)
    cli.json("tenant", "create", "from-outside")
    token = cli.json("token", "get", "--tenant", "demo")["access_token"]
    assert verify(token, serving.announced)["client_id"] == serving.announced["client_id"]
    assert cli.json("token", "introspect", token)["active"] is True


def beside(data_dir: Path) -> Cli:
    """The commands as somebody runs them who has set nothing but the directory."""
    return Cli({**NOTHING_SET, "AUTH_SERVICE_DATA_DIR": str(data_dir)})


def test_a_database_that_is_named_wins_over_the_embedded_one(
    new_dir: Path, empty_database: str
) -> None:
    """Its master key is the environment's, which seals: the other commands know the file alone."""
    given = {"DATABASE_URL": empty_database, "MASTER_KEY": MASTER_KEY}
    with run_dev(new_dir, free_port(), "--json", **given) as dev:
        assert_served_from(empty_database, new_dir, dev.announced())
        assert_all_is_well(beside(new_dir))
        dev.interrupt()
        assert dev.end() == 0
        assert dev.left_behind() == []


@pytest.mark.skipif(not DEBIAN_POSTGRES.exists(), reason="Debian's PostgreSQL 15 is not installed")
def test_the_database_may_be_an_older_one_that_a_file_names(new_dir: Path, tmp_path: Path) -> None:
    named = tmp_path / "database-url"
    with run_postgres(binaries=DEBIAN_POSTGRES) as server:
        named.write_text(f"{server.url}\n")
        with run_dev(new_dir, free_port(), "--json", DATABASE_URL_FILE=str(named)) as dev:
            assert_served_from(server.url, new_dir, dev.announced())
            dev.interrupt()
            assert dev.end() == 0
        assert psutil.pid_exists(server.pid)


def assert_served_from(owner: str, data_dir: Path, announced: dict[str, Any]) -> None:
    assert announced["database_url"] == owner
    verify(fetch_token(announced), announced)
    assert not (data_dir / "postgres").exists()


def assert_all_is_well(cli: Cli) -> None:
    """Have doctor say so; the double of Stripe's, which nobody waits for, has its prices soon."""
    until(lambda: cli.run("doctor", "--json").exit_code == 0)
    assert all(each["ok"] for each in cli.json("doctor")["checks"])


def test_an_unreachable_database_is_said_in_one_line(new_dir: Path) -> None:
    nowhere = "postgresql://u:c4n4ry@127.0.0.1:1/auth"
    with run_dev(new_dir, free_port(), DATABASE_URL=nowhere) as dev:
        assert (dev.end(), dev.stdout, dev.stderr.count("\n")) == (1, "", 1)
        assert "c4n4ry" not in dev.stderr


def test_a_taken_port_is_named_in_one_line(new_dir: Path) -> None:
    # as the data plane of another `dev` takes it
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        with run_dev(new_dir, port, "--json") as dev:
            assert (dev.end(), dev.stdout, dev.stderr.count("\n")) == (1, "", 1)
            assert str(port) in dev.stderr
    assert not new_dir.exists()


def test_a_second_start_on_the_same_directory_is_refused(serving: Serving) -> None:
    with run_dev(serving.data_dir, free_port(), "--json") as second:
        assert (second.end(), second.stdout, second.stderr.count("\n")) == (1, "", 1)
        assert str(serving.data_dir) in second.stderr
    verify(fetch_token(serving.announced), serving.announced)  # the first goes on


def test_as_text_it_prints_a_command_that_works(used_dir: Path) -> None:
    with run_dev(used_dir, free_port()) as dev:
        shown = dev.shown("/oauth/token")
        found = re.search(r"^ *(curl -u (\S+) \\\n.*/oauth/token)$", shown, re.MULTILINE)
        assert found, shown
        assert follow(found[1], found[2])["token_type"] == "Bearer"
        dev.interrupt()
        time.sleep(0.02)
        dev.interrupt()  # an impatient person
        assert (dev.end(), dev.left_behind()) == (0, [])


def follow(curl: str, login: str) -> dict[str, Any]:
    """Do what the printed command says."""
    if shutil.which("curl"):
        run = subprocess.run(["sh", "-c", curl], capture_output=True, timeout=PATIENCE, check=True)
        answer: dict[str, Any] = msgspec.json.decode(run.stdout)
        return answer
    client_id, _, secret = login.partition(":")
    body = {"grant_type": "client_credentials"}
    replayed = httpx.post(curl.rsplit(maxsplit=1)[-1], data=body, auth=(client_id, secret))
    return dict(replayed.json())


def test_what_it_writes_is_for_its_owner_alone_whatever_the_umask(first: Ran) -> None:
    written = [each for each in first.data_dir.rglob("*") if "cluster" not in each.parts]
    names = {each.name for each in written}
    assert {"environment", "demo.json", "password", "postgres.log"} <= names
    for each in written:
        assert stat.S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600), each.name
    for directory in (first.data_dir, first.data_dir / "postgres/cluster"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700, directory.name


def test_no_secret_is_in_what_it_logs(first: Ran) -> None:
    secrets = [
        *(first.announced[name] for name in ("client_secret", "console_password")),
        first.announced["database_url"].split("@")[0],
    ]
    logged = first.stderr + (first.data_dir / "postgres/postgres.log").read_text()
    assert not [secret for secret in secrets if secret in logged]
