"""Letters as a mail server of others' making receives them, and what is said of a failure."""

import pytest
from aiosmtplib import SMTPException

from control_plane.mail.rules import Letter
from control_plane.mail.smtp import Smtp, is_final, said_of
from tests.conftest import free_port
from tests.mail_server import run_mail_server

_LETTER = Letter(
    to="ann@example.com",
    subject="Confirm your e-mail address",
    words=("Wörds <b>of</b> a letter.",),
    button="Confirm",
    link="https://console.example.com/verify?token=c4n4ry",
)
_FROM = "auth-service <noreply@example.com>"


async def test_a_letter_arrives_as_text_and_as_html_with_its_link() -> None:
    with run_mail_server() as server:
        await Smtp(server.url, _FROM).send(_LETTER)
    (letter,) = server.letters
    assert (letter["To"], letter["From"]) == ("ann@example.com", _FROM)
    assert letter["Subject"] == "Confirm your e-mail address"
    assert letter["Message-ID"].endswith("@example.com>")
    text, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert _LETTER.link in text.get_content()
    assert "Wörds &lt;b&gt;of&lt;/b&gt;" in html.get_content()


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        pytest.param("550 no such mailbox <ann@example.com>", True, id="no-such-mailbox"),
        pytest.param("451 try again later", False, id="greylisted"),
    ],
)
async def test_a_refusal_is_final_where_the_server_says_so_and_names_nobody(
    answer: str, *, final: bool
) -> None:
    with run_mail_server() as server:
        server.answers.append(answer)
        with pytest.raises(SMTPException) as refusal:
            await Smtp(server.url, _FROM).send(_LETTER)
    assert is_final(refusal.value) is final
    assert answer[:3] in said_of(refusal.value)
    assert "ann@" not in said_of(refusal.value)


async def test_a_server_that_is_away_is_a_passing_trouble_that_is_named() -> None:
    port = free_port()
    with pytest.raises(SMTPException) as refusal:
        await Smtp(f"smtp://127.0.0.1:{port}", _FROM).send(_LETTER)
    assert not is_final(refusal.value)
    assert str(port) in said_of(refusal.value)


async def test_a_check_sends_nothing_and_names_the_server() -> None:
    with run_mail_server() as server:
        assert await Smtp(server.url, _FROM).check(5) == f"127.0.0.1:{server.port}"
    assert server.letters == []
