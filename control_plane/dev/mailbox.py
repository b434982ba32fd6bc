"""A mail server that sends nothing on: what arrives is kept in memory, the newest first.

As much of RFC 5321 as a client of ours says to it, on this machine alone.
"""

import asyncio
import re
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count

import msgspec

_KEPT = 200  # letters
_LARGEST = 2**20  # octets
_LINK = re.compile(r"(https?://[^\s<>\"]+)")

_READY = b"220 mailbox of auth-service dev\r\n"
_OK = b"250 OK\r\n"
_GO_ON = b"354 End with a dot on a line of its own\r\n"
_TOO_LARGE = b"552 Too large\r\n"
_UNKNOWN = b"502 Not known here\r\n"
_BYE = b"221 Bye\r\n"


class CaughtLetter(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    at: datetime
    to: str
    subject: str
    text: str

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """Give the text piece by piece; True says that it is a link."""
        for position, piece in enumerate(_LINK.split(self.text)):
            yield piece, position % 2 == 1


class Mailbox:
    def __init__(self) -> None:
        self._letters: deque[CaughtLetter] = deque(maxlen=_KEPT)
        self._numbers = count(1)
        self._server: asyncio.Server | None = None

    @property
    def letters(self) -> list[CaughtLetter]:
        """Those that are kept, the newest first."""
        return list(self._letters)

    @property
    def newest(self) -> int:
        """The number of the newest, or 0."""
        return self._letters[0].number if self._letters else 0

    async def open(self, host: str, port: int) -> int:
        """Listen, and give the port. Raises OSError."""
        self._server = await asyncio.start_server(self._converse, host, port, limit=_LARGEST)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_READY)
        try:
            while line := await reader.readline():
                verb = line[:4].strip().upper()
                writer.write(await self._answer(verb, reader, writer))
                if verb == b"QUIT":
                    break
        except (ConnectionError, ValueError):  # gone, or a line without end
            pass
        finally:
            writer.close()

    async def _answer(
        self, verb: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        match verb:
            case b"EHLO" | b"HELO" | b"MAIL" | b"RCPT" | b"RSET" | b"NOOP":
                return _OK
            case b"DATA":
                writer.write(_GO_ON)
                return self._keep(await _read_letter(reader))
            case b"QUIT":
                return _BYE
            case _:
                return _UNKNOWN

    def _keep(self, octets: bytes | None) -> bytes:
        if octets is None:
            return _TOO_LARGE
        message = message_from_bytes(octets, policy=policy.default)
        letter = CaughtLetter(
            number=next(self._numbers),
            at=datetime.now(UTC),
            to=str(message["To"] or ""),
            subject=str(message["Subject"] or ""),
            text=_text_of(message),
        )
        self._letters.appendleft(letter)
        return _OK


async def _read_letter(reader: asyncio.StreamReader) -> bytes | None:
    """Read up to the line that is a dot, RFC 5321 section 4.5.2; None where it is too large."""
    lines: list[bytes] = []
    size = 0
    while (line := await reader.readline()).rstrip() != b"." and line:
        size += len(line)
        if size <= _LARGEST:
            lines.append(line.removeprefix(b"."))
    return b"".join(lines) if size <= _LARGEST else None


def _text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    return "" if body is None else str(body.get_content())
