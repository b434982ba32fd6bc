"""An HTTP answer, ready to be sent, and how refusals become one (RFC 6749 section 5.2)."""

import msgspec

from data_plane.protocol.document import Document
from data_plane.protocol.errors import (
    HeadersTooLarge,
    InvalidClient,
    MalformedMessage,
    MethodNotAllowed,
    OAuthError,
    RequestTooLarge,
    RequestTooSlow,
    TemporarilyUnavailable,
)

Header = tuple[bytes, bytes]

_encode = msgspec.json.Encoder().encode
_JSON: Header = (b"content-type", b"application/json")
_NO_STORE: Header = (b"cache-control", b"no-store")
_SAFE: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_JSON_NO_STORE = (_JSON, _NO_STORE, (b"pragma", b"no-cache"), *_SAFE)

OPEN_TO_BROWSERS: Header = (b"access-control-allow-origin", b"*")


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: tuple[Header, ...]
    body: bytes
    error: str = ""  # the wire code, for the log and the counters


def json_answer(contents: msgspec.Struct) -> Answer:
    return Answer(200, _JSON_NO_STORE, _encode(contents))


def empty_answer() -> Answer:
    """RFC 7009 section 2.2: clients ignore the body, but one that reads JSON wants the type."""
    return Answer(200, _JSON_NO_STORE, b"")


def document_answer(found: Document, if_none_match: bytes | None, max_age: bytes) -> Answer:
    """A public document, cacheable for so many seconds; 304 when the caller holds it."""
    headers = (
        _JSON,
        (b"cache-control", b"public, max-age=" + max_age),
        (b"etag", found.etag),
        OPEN_TO_BROWSERS,
        *_SAFE,
    )
    if if_none_match is not None and _matches(if_none_match, found.etag):
        return Answer(304, headers[1:], b"")
    return Answer(200, headers, found.body)


def error_answer(error: OAuthError, realm: str) -> Answer:
    headers: tuple[Header, ...] = _JSON_NO_STORE
    match error:
        case InvalidClient():
            headers = (*headers, (b"www-authenticate", f'Basic realm="{realm}"'.encode()))
        case MethodNotAllowed():
            headers = (*headers, (b"allow", error.allowed))
        case MalformedMessage() | RequestTooSlow() | RequestTooLarge() | HeadersTooLarge():
            headers = (*headers, (b"connection", b"close"))  # what it still sends is not waited for
        case TemporarilyUnavailable():
            headers = (*headers, (b"retry-after", b"1"))
        case _:
            pass
    body = _encode({"error": error.code, "error_description": error.description})
    return Answer(error.status, headers, body, error.code)


def preflight_answer(methods: bytes) -> Answer:
    """Answer a browser's CORS preflight for a public document."""
    headers = (
        OPEN_TO_BROWSERS,
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", b"*"),
        (b"access-control-max-age", b"86400"),
    )
    return Answer(204, headers, b"")


def _matches(if_none_match: bytes, etag: bytes) -> bool:
    """Compare weakly, RFC 9110 section 13.1.2."""
    given = [each.strip().removeprefix(b"W/") for each in if_none_match.split(b",")]
    return etag in given or given == [b"*"]
