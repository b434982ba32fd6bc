"""The console of `auth-service dev`: its demo person signs in, its letters are on a page."""

import json
import re
import socket
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import free_port
from tests.control_plane.cli.conftest import Serving
from tests.control_plane.cli.development import (
    MAY_TAKE_TO_STOP,
    PATIENCE,
    Ran,
    console_of,
    run_dev,
    until,
)
from tests.mail_server import run_mail_server

_CSRF = re.compile(r'name="csrf" value="(\w+)"')
_LINK = re.compile(r'href="(http://localhost:\d+/verify\?token=[^"]+)"')


class Browser:
    """Follows forms as a browser does, which sends Secure cookies to localhost without TLS."""

    def __init__(self, console_url: str) -> None:
        self._url = console_url
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx.Response:
        return self._keep(httpx.get(self._at(path), headers=self._headers(), timeout=PATIENCE))

    def submit(self, page: str, path: str, **fields: str) -> httpx.Response:
        """Send the form of the page with its token."""
        found = _CSRF.search(self.get(page).text)
        assert found is not None
        form = {"csrf": found[1], **fields}
        return self._keep(
            httpx.post(self._at(path), data=form, headers=self._headers(), timeout=PATIENCE)
        )

    def _at(self, path: str) -> str:
        return path if path.startswith("http") else f"{self._url}{path}"

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"Cookie": cookies, "Origin": self._url}

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        for each in answer.headers.get_list("set-cookie"):
            name, _, rest = each.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        return answer


def sign_in(announced: dict[str, Any]) -> httpx.Response:
    return Browser(announced["console_url"]).submit(
        "/signin",
        "/signin",
        email=announced["console_email"],
        password=announced["console_password"],
    )


def test_the_printed_person_signs_in_also_after_another_start(first: Ran, serving: Serving) -> None:
    printed = serving.announced
    assert printed["console_url"].startswith("http://localhost:")
    answer = sign_in(printed)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    for name in ("console_email", "console_password"):
        assert printed[name] == first.announced[name]
    assert printed["console_password"] not in serving.dev.stderr


def test_who_signs_up_finds_the_letter_in_the_mailbox_and_follows_its_link(
    serving: Serving,
) -> None:
    browser = Browser(serving.announced["console_url"])
    assert "No letter yet" in browser.get("/dev/mailbox").text
    signed_up = {"email": "ann@example.com", "password": "correct horse battery"}
    assert browser.submit("/signup", "/signup", **signed_up, account="Ann's").is_success
    until(lambda: "Confirm your e-mail" in browser.get("/dev/mailbox").text)
    found = _LINK.search(browser.get("/dev/mailbox").text)
    assert found is not None
    link = unescape(found[1])
    verified = browser.submit(link, "/verify", token=link.partition("token=")[2])
    assert (verified.status_code, verified.headers["location"]) == (303, "/start")
    assert link.partition("token=")[2] not in serving.dev.stderr


def test_a_data_directory_from_before_the_console_gets_a_person(used_dir: Path) -> None:
    file = used_dir / "demo.json"
    held = json.loads(file.read_text())
    names = ("slug", "audience", "client_id", "client_secret")
    file.write_text(json.dumps({name: held[name] for name in names}))
    with run_dev(used_dir, free_port(), "--json") as dev:
        announced = dev.announced()
        assert announced["client_secret"] == held["client_secret"]
        assert announced["console_password"] != held["console_password"]
        assert sign_in(announced).status_code == 303


def test_a_mail_server_that_is_named_gets_the_letters_and_there_is_no_mailbox(
    used_dir: Path,
) -> None:
    with (
        run_mail_server() as server,
        run_dev(used_dir, free_port(), "--json", SMTP_URL=server.url) as dev,
    ):
        browser = Browser(dev.announced()["console_url"])
        assert browser.get("/dev/mailbox").status_code == 404
        browser.submit("/reset", "/reset", email="demo@demo.example")
        until(lambda: len(server.letters) == 1)
        assert server.letters[0]["Subject"] == "Choose a new password"


def test_a_taken_console_port_is_named_in_one_line(new_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = str(taken.getsockname()[1])
        with run_dev(new_dir, free_port(), "--console-port", port) as dev:
            assert (dev.end(), dev.stdout, dev.stderr.count("\n")) == (1, "", 1)
            assert port in dev.stderr
    assert not new_dir.exists()


def test_a_console_that_ends_by_itself_ends_dev_with_a_message(used_dir: Path) -> None:
    with run_dev(used_dir, free_port(), "--json") as dev:
        dev.announced()
        (console,) = console_of(dev)
        console.terminate()
        assert dev.process.wait(MAY_TAKE_TO_STOP) == 1
        assert dev.left_behind() == []
        assert "The console has ended by itself." in dev.stderr
