"""Sending a letter by SMTP, and saying no more of it than what went wrong."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from control_plane.mail.rules import Letter, html_of, text_of

_PATIENCE = 20.0  # seconds
_FOR_GOOD = 500  # RFC 5321 section 4.2.1: from here on a refusal is permanent


class Smtp:
    """`url` is smtp://[user:password@]host[:port], or smtps:// for TLS from the first octet."""

    def __init__(self, url: str, mail_from: str) -> None:
        self._url = urlsplit(url)
        self._from = mail_from

    async def send(self, letter: Letter) -> None:
        """Raises aiosmtplib.SMTPException or OSError."""
        async with self._connected(_PATIENCE) as client:
            await client.send_message(_message(letter, self._from))

    async def check(self, patience: float) -> str:
        """Connect, sign in where SMTP_URL says so, and give the server's place.

        Raises aiosmtplib.SMTPException or OSError.
        """
        async with self._connected(patience) as client:
            await client.noop()
        return f"{client.hostname}:{client.port}"

    @asynccontextmanager
    async def _connected(self, patience: float) -> AsyncIterator[SMTP]:
        """Leave politely where all went well, and at once where not: someone may wait for us."""
        implicit = self._url.scheme == "smtps"
        client = SMTP(
            hostname=self._url.hostname,
            port=self._url.port or (465 if implicit else 25),
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password) if self._url.password else None,
            use_tls=implicit,
            start_tls=None,  # where the server offers it
            tls_context=ssl.create_default_context(),
            timeout=patience,
        )
        try:
            await client.connect()
            yield client
            with suppress(SMTPException, OSError):  # what was accepted is not to be sent again
                await client.quit()
        finally:
            client.close()


def is_final(error: BaseException) -> bool:
    """Tell whether this letter is refused for good: no such mailbox, or not with these words.

    A refused login or sender is a mistake in SMTP_URL or MAIL_FROM, which someone will mend.
    """
    match error:
        case SMTPRecipientsRefused():
            return all(each.code >= _FOR_GOOD for each in error.recipients)
        case SMTPRecipientRefused() | SMTPDataError():
            return error.code >= _FOR_GOOD
        case _:
            return False


def said_of(error: BaseException) -> str:
    """Say what went wrong without the server's words, which may repeat the address."""
    kind = type(error).__name__
    match error:
        case SMTPRecipientsRefused():
            return f"{kind} {[each.code for each in error.recipients]}"
        case SMTPResponseException():
            return f"{kind} {error.code}"
        case _:
            return f"{kind}: {error}"


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
