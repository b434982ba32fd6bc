"""Sending a letter by SMTP, and saying no more of it than its subject."""

import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib

from control_plane.mail.rules import Letter, html_of, text_of

_PATIENCE = 20.0  # seconds


class Smtp:
    """`url` is smtp://[user:password@]host[:port], or smtps:// for TLS from the first octet."""

    def __init__(self, url: str, mail_from: str) -> None:
        self._url = urlsplit(url)
        self._from = mail_from

    async def send(self, letter: Letter) -> None:
        """Raises aiosmtplib.SMTPException or OSError."""
        implicit = self._url.scheme == "smtps"
        await aiosmtplib.send(
            _message(letter, self._from),
            hostname=self._url.hostname,
            port=self._url.port or (465 if implicit else 25),
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password) if self._url.password else None,
            use_tls=implicit,
            start_tls=None,  # where the server offers it
            tls_context=ssl.create_default_context(),
            timeout=_PATIENCE,
        )


def _message(letter: Letter, mail_from: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = mail_from, letter.to
    message["Subject"] = letter.subject
    message["Date"], message["Message-ID"] = (
        formatdate(),
        make_msgid(domain=mail_from.rsplit("@", maxsplit=1)[-1].strip(">")),
    )
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text_of(letter))
    message.add_alternative(html_of(letter), subtype="html")
    return message
