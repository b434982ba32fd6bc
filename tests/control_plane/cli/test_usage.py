"""The commands that show what a tenant's clients did."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.control_plane.cli.conftest import Cli, Stocked
from tests.faults.load import claim_of


@pytest.fixture
def jti(cli: Cli, stocked: Stocked) -> str:
    got = cli.json("token", "get", *stocked.caller, CLIENT_SECRET=stocked.client_secret)
    return claim_of(got["access_token"], "jti")


def test_a_token_is_found_by_its_jti(cli: Cli, stocked: Stocked, jti: str) -> None:
    one = ("token", "find", "--tenant", stocked.slug, "--jti")
    found = cli.json(*one, jti)
    assert (found["jti"], found["client_id"], found["lifetime"]) == (jti, stocked.client_id, 3600)
    assert f"jti        {jti}\n" in cli.text(*one, jti).stdout
    assert "no such token" in cli.refusal(*one, "00000000-0000-7000-8000-000000000000")
    assert "a jti is a UUID" in cli.refusal(*one, "x")


def test_a_log_shows_the_tokens_a_page_at_a_time(cli: Cli, stocked: Stocked, jti: str) -> None:
    logs = ("logs", "--tenant", stocked.slug)
    page = cli.json(*logs, "--client", stocked.client_id)
    assert [(each["id"], each["event"]) for each in page["entries"]] == [(jti, "issued")]
    assert page["next"] is None
    page = cli.json(*logs, "--limit", "1")
    assert page["next"] == jti
    assert cli.json(*logs, "--before", jti) == {"entries": [], "next": None}
    shown = cli.text(*logs, "--limit", "1")
    assert f"issued   {stocked.client_id}" in shown.stdout
    assert f"--before {jti}" in shown.stderr
    assert cli.text(*logs, "--client", "c_none").stdout == "There is nothing yet.\n"


def test_usage_is_counted_by_client_and_api(cli: Cli, stocked: Stocked, jti: str) -> None:
    del jti
    one = ("usage", "--tenant", stocked.slug)
    found = cli.json(*one)
    assert found["issued"] == 1
    issued = {
        "client_id": stocked.client_id,
        "api": stocked.audience,
        "event": "issued",
        "count": 1,
    }
    assert issued in found["usage"]
    assert f"tokens issued in {found['month']}" in cli.text(*one).stdout
    assert cli.json(*one, "--month", "2001-01") == {"month": "2001-01", "issued": 0, "usage": []}
    assert "a month is written like" in cli.refusal(*one, "--month", "2001")


def test_a_followed_log_prints_what_is_there_and_ends_quietly(
    cli: Cli, stocked: Stocked, jti: str
) -> None:
    environment = {name: value for name, value in cli.environment.items() if value is not None}
    command = [sys.executable, "-m", "control_plane.cli.main", "logs", "--tenant", stocked.slug]
    with subprocess.Popen(
        [*command, "--follow", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first: dict[str, Any] = json.loads(process.stdout.readline())
        cli.json("token", "get", *stocked.caller, CLIENT_SECRET=stocked.client_secret)
        second: dict[str, Any] = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert first["id"] == jti
    assert (second["event"], second["id"] > jti) == ("issued", True)
    assert (process.returncode, said) == (0, "")
