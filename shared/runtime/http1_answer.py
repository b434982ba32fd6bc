"""The bytes of an HTTP/1.1 answer (RFC 9112 section 4)."""

from collections.abc import Collection
from http import HTTPStatus
from typing import TypeAlias

Header: TypeAlias = tuple[bytes, bytes]

_STATUS_LINES = {
    each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus
}


def message(status: int, headers: Collection[Header], body: bytes, date: bytes) -> bytes:
    """Encode a whole answer; `date` is the whole line of that field."""
    return head(status, (*headers, (b"content-length", b"%d" % len(body))), date) + body


def head(status: int, headers: Collection[Header], date: bytes) -> bytes:
    """Encode an answer up to its body. Raises ValueError where a value would begin a line."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not lines.count(b"\n") == lines.count(b"\r") == len(headers):
        raise ValueError("a header has a line break")
    return b"%b%b%b\r\n" % (_STATUS_LINES[status], date, lines)
