"""The bytes of an HTTP/1.1 answer (RFC 9112 section 4)."""

from collections.abc import Collection
from http import HTTPStatus
from typing import TypeAlias

import msgspec

Header: TypeAlias = tuple[bytes, bytes]

STATUS_LINES = {
    each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus
}
CLOSE: Header = (b"connection", b"close")  # the client is to connect anew for its next request
_LAST: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    CLOSE,
)
_UNAVAILABLE = 503
_RETRY: Header = (b"retry-after", b"1")


def message(status: int, headers: Collection[Header], body: bytes, date: bytes) -> bytes:
    """Encode a whole answer; `date` is the whole line of that field."""
    return head(status, (*headers, (b"content-length", b"%d" % len(body))), date) + body


def head(status: int, headers: Collection[Header], date: bytes) -> bytes:
    """Encode an answer up to its body. Raises ValueError where a value would begin a line."""
    return b"%b%b%b\r\n" % (STATUS_LINES[status], date, lines_of(headers))


def lines_of(headers: Collection[Header]) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not lines.count(b"\n") == lines.count(b"\r") == len(headers):
        raise ValueError("a header has a line break")
    return lines


def refusal(status: int, error: str, text: str, date: bytes) -> bytes:
    """Encode the last answer on a connection, in the form of RFC 6749 section 5.2."""
    body = msgspec.json.encode({"error": error, "error_description": text})
    return message(status, _LAST if status < _UNAVAILABLE else (*_LAST, _RETRY), body, date)
