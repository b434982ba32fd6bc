"""An HTTP answer, ready to be sent, and how refusals become one (RFC 6749 section 5.2)."""

from functools import lru_cache

import msgspec

from data_plane.protocol.document import Document
from data_plane.protocol.errors import (
    HeadersTooLarge,
    InsufficientScope,
    InvalidClient,
    InvalidSignature,
    InvalidToken,
    MalformedMessage,
    MethodNotAllowed,
    OAuthError,
    RequestTooLarge,
    RequestTooSlow,
    TemporarilyUnavailable,
    TokenMissing,
    TooManyRequests,
    UseDpopNonce,
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

WITHOUT_LENGTH = frozenset({204, 304})  # statuses, RFC 9110 section 8.6
OPEN_TO_BROWSERS: Header = (b"access-control-allow-origin", b"*")


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: tuple[Header, ...]
    body: bytes
    error: str = ""  # the wire code, for the log and the counters


def json_answer(contents: msgspec.Struct, *headers: Header) -> Answer:
    return Answer(200, (*_JSON_NO_STORE, *headers), _encode(contents))


def bytes_answer(encoded: bytes, headers: tuple[Header, ...] = ()) -> Answer:
    """The same of JSON that is encoded already."""
    return Answer(200, _JSON_NO_STORE + headers, encoded)


def jwt_answer(media_type: bytes, token: bytes) -> Answer:
    return Answer(200, ((b"content-type", media_type), *_JSON_NO_STORE[1:]), token)


def nonce_header(nonce: str) -> Header:
    """The nonce for the client's next DPoP proof, RFC 9449 section 8.2."""
    return (b"dpop-nonce", nonce.encode())


def empty_answer() -> Answer:
    """RFC 7009 section 2.2: clients ignore the body, but one that reads JSON wants the type."""
    return Answer(200, _JSON_NO_STORE, b"")


def document_answer(found: Document, if_none_match: bytes | None, max_age: bytes) -> Answer:
    """A public document, cacheable for so many seconds; 304 when the caller holds it."""
    headers = _document_headers(found.etag, max_age)
    if if_none_match is not None and _matches(if_none_match, found.etag):
        return Answer(304, headers, b"")
    return Answer(200, (_JSON, *headers), found.body)


@lru_cache(maxsize=1024)
def _document_headers(etag: bytes, max_age: bytes) -> tuple[Header, ...]:
    return (
        (b"cache-control", b"public, max-age=" + max_age),
        (b"etag", etag),
        OPEN_TO_BROWSERS,
        *_SAFE,
    )


def error_answer(error: OAuthError, realm: str) -> Answer:
    headers = (*_JSON_NO_STORE, *_headers_of(error, realm))
    body = _encode({"error": error.code, "error_description": error.description})
    return Answer(error.status, headers, body, error.code)


def _headers_of(error: OAuthError, realm: str) -> tuple[Header, ...]:
    match error:
        case InvalidClient():
            return ((b"www-authenticate", f'Basic realm="{realm}"'.encode()),)
        case InvalidToken() | InsufficientScope():
            return (_bearer(realm, f', error="{error.code}"'),)
        case TokenMissing() | InvalidSignature():
            return (_bearer(realm, ""),)
        case _:
            return _what_to_do(error)


def _what_to_do(error: OAuthError) -> tuple[Header, ...]:
    match error:
        case MethodNotAllowed():
            header = b"allow", error.allowed
        case MalformedMessage() | RequestTooSlow() | RequestTooLarge() | HeadersTooLarge():
            header = b"connection", b"close"  # what it still sends is not waited for
        case UseDpopNonce():
            header = nonce_header(error.nonce)
        case TemporarilyUnavailable():
            header = b"retry-after", b"1"
        case TooManyRequests():
            return (b"retry-after", str(error.retry_after).encode()), *error.headers
        case _:
            return ()
    return (header,)


def _bearer(realm: str, error: str) -> Header:
    """Challenge for a bearer token, RFC 6750 section 3."""
    return (b"www-authenticate", f'Bearer realm="{realm}"{error}'.encode())


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
