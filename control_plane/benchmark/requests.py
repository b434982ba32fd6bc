"""Requests as bytes, encoded once before they are sent many times."""

from base64 import b64encode
from urllib.parse import urlencode

_END = b"\r\n\r\n"


def get(port: int, path: str, etag: str | None = None) -> bytes:
    condition = f"if-none-match: {etag}\r\n" if etag else ""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{condition}\r\n".encode()


def post(port: int, path: str, basic: tuple[str, str], form: dict[str, str]) -> bytes:
    """Encode a form with Basic authentication (RFC 6749 section 2.3.1): client_id and secret.

    Both are of characters that form encoding leaves as they are.
    """
    body = urlencode(form)
    credentials = b64encode(":".join(basic).encode()).decode()
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        f"authorization: Basic {credentials}\r\n"
        "content-type: application/x-www-form-urlencoded\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def closing(request: bytes) -> bytes:
    """The same for a connection that is used once."""
    head, end, body = request.partition(_END)
    return head + b"\r\nconnection: close" + end + body
