"""The mail server of `dev`, and the page that shows what it has caught."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from control_plane.app import create_console
from control_plane.dev.app import create_dev_console
from control_plane.dev.mailbox import Mailbox
from control_plane.mail.rules import Letter
from control_plane.mail.smtp import Smtp
from shared.runtime.config import Config, read_config
from tests.conftest import free_port
from tests.support import Installation

_HOSTILE = "<img src=x onerror=alert(1)>"


class Listening(msgspec.Struct):
    mailbox: Mailbox
    port: int

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@pytest.fixture
async def listening() -> AsyncIterator[Listening]:
    mailbox = Mailbox()
    yield Listening(mailbox, await mailbox.open("127.0.0.1", 0))
    mailbox.close()


async def test_it_catches_what_we_send_the_newest_first(listening: Listening) -> None:
    smtp = Smtp(listening.url, "auth-service <noreply@example.com>")
    for subject in ("First", "Second"):
        letter = Letter(
            to="ann@example.com",
            subject=subject,
            words=("Wörds.", "." * 5),
            link="http://localhost:8081/verify?token=t0ken",
        )
        await smtp.send(letter)
    second, first = listening.mailbox.letters
    assert (first.subject, second.subject, second.to) == ("First", "Second", "ann@example.com")
    assert "Wörds.\n\n.....\n" in second.text
    links = [piece for piece, is_link in second.pieces() if is_link]
    assert links == ["http://localhost:8081/verify?token=t0ken"]
    assert "".join(piece for piece, _ in second.pieces()) == second.text


async def test_it_speaks_with_the_standard_library_s_client_too(listening: Listening) -> None:
    def converse() -> tuple[int, int]:
        with smtplib.SMTP("127.0.0.1", listening.port) as client:
            message = EmailMessage()
            message["To"], message["Subject"] = "bob@example.com", "Hi"
            message.set_content("Hello")
            client.send_message(message, "a@example.com", ["bob@example.com"])
            unknown, _ = client.docmd("VRFY", "bob")
            huge, _ = client.docmd("NOOP")
            with pytest.raises(smtplib.SMTPDataError) as refusal:
                client.sendmail("a@example.com", ["b@example.com"], "x\r\n" * 2**19)
            assert refusal.value.smtp_code == 552
            return unknown, huge

    assert await asyncio.to_thread(converse) == (502, 250)
    assert [each.subject for each in listening.mailbox.letters] == ["Hi"]


@pytest.fixture
def dev_config(installation: Installation) -> Config:
    port = free_port()
    return read_config(
        installation.environment()
        | {"SMTP_URL": f"smtp://127.0.0.1:{port}", "CONSOLE_URL": "http://localhost:8081"}
    )


@pytest.fixture
def browser(dev_config: Config) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_dev_console(dev_config, Mailbox())) as client:
        yield client


def post(config: Config, subject: str, text: str) -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = "ann@example.com", subject
    message.set_content(text)
    port = int(config.smtp_url.rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(message, "a@example.com", ["ann@example.com"])


def test_the_page_shows_letters_as_text_with_their_links(
    dev_config: Config, browser: TestClient[Litestar]
) -> None:
    empty = browser.get("/dev/mailbox")
    assert "No letter yet" in empty.text
    assert "unsafe-inline" not in empty.headers["Content-Security-Policy"]
    post(
        dev_config,
        f"Subject {_HOSTILE}",
        f"See http://localhost:8081/verify?token=a&b=c {_HOSTILE}",
    )
    page = browser.get("/dev/mailbox").text
    assert 'href="http://localhost:8081/verify?token=a&amp;b=c"' in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 2
    assert _HOSTILE not in page


def test_htmx_is_told_of_news_alone(dev_config: Config, browser: TestClient[Litestar]) -> None:
    htmx = {"HX-Request": "true"}
    assert browser.get("/dev/mailbox/news?seen=0", headers=htmx).status_code == 204
    post(dev_config, "News", "Hello")
    fresh = browser.get("/dev/mailbox/news?seen=0", headers=htmx)
    assert (fresh.status_code, "News" in fresh.text) == (200, True)
    assert browser.get("/dev/mailbox/news?seen=1", headers=htmx).status_code == 204


def test_letters_are_paged(dev_config: Config, browser: TestClient[Litestar]) -> None:
    for number in range(1, 23):
        post(dev_config, f"Letter {number}.", "Hello")
    newest = browser.get("/dev/mailbox").text
    assert ("Letter 22." in newest, "Letter 3." in newest, "Letter 2." in newest) == (
        *(True, True),
        False,
    )
    assert "/dev/mailbox?before=3" in newest
    older = browser.get("/dev/mailbox?before=3").text
    assert ("Letter 2." in older, "Letter 3." in older) == (True, False)


def test_a_console_that_dev_did_not_start_has_no_such_page(dev_config: Config) -> None:
    with TestClient(create_console(dev_config)) as client:
        assert client.get("/dev/mailbox").status_code == 404
