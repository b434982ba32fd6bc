"""`auth-service staff …`, and the process that serves what they sign in to."""

import os
import signal
import subprocess
import sys
from secrets import token_hex

import httpx

from tests.conftest import free_port, wait_until_answered
from tests.control_plane.cli.conftest import Cli
from tests.support import Installation


def test_staff_are_made_listed_changed_disabled_and_let_in_again(cli: Cli) -> None:
    email = f"sam-{token_hex(4)}@staff.example"
    made = cli.json(
        "staff", "create", "--email", email, "--name", "Sam", "--role", "reader",
        SUPPORT_URL="https://support.example",
    )  # fmt: skip
    assert made["link"].startswith("https://support.example/support/enrol?token=")

    def state() -> tuple[str, str]:
        found = {each["email"]: each for each in cli.json("staff", "list")["staff"]}
        return found[email]["role"], found[email]["state"]

    assert state() == ("reader", "invited")
    cli.json("staff", "set-role", "--email", email, "--role", "lead")
    cli.json("staff", "disable", "--email", email.upper())
    assert state() == ("lead", "disabled")
    again = cli.json("staff", "reset", "--email", email)
    assert again["link"] != made["link"]
    assert state() == ("lead", "invited")
    assert email in cli.text("staff", "list").stdout
    found = cli.json("audit", "verify", "--staff")
    assert found["broken"] is None
    assert found["events"] >= 4


def test_what_cannot_be_is_refused_in_one_line(cli: Cli) -> None:
    new = ("staff", "create", "--name", "Sam", "--role", "reader", "--email")
    assert "e-mail address" in cli.refusal(*new, "sam")
    email = f"sam-{token_hex(4)}@staff.example"
    cli.json(*new, email)
    assert "one of the staff already" in cli.refusal(*new, email)
    assert "none of the staff" in cli.refusal("staff", "disable", "--email", "x@staff.example")
    assert "owner" in cli.usage_error("staff", "set-role", "--email", email, "--role", "owner")


def test_the_app_is_served_as_the_support_login(installation: Installation) -> None:
    port = free_port()
    environment = {
        **os.environ,
        **installation.environment(),
        "DATABASE_URL": installation.support_url,
        "SUPPORT_URL": f"http://localhost:{port}",
        "SUPPORT_BIND_ADDRESS": f"127.0.0.1:{port}",
        "DRAIN_DELAY": "0",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "control_plane.cli.main", "serve", "support"]
    process = subprocess.Popen(command, env=environment)
    try:
        wait_until_answered(f"http://127.0.0.1:{port}/readyz", process)
        page = httpx.get(f"http://localhost:{port}/support", follow_redirects=True)
        assert "Sign in to support" in page.text
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "stripe" not in policy
        assert httpx.get(f"http://localhost:{port}/signin").status_code == 404, "no console here"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
