"""The gate: raw head and body bytes to form pairs, or an error.

RFC 6749 appendix B (the media type) and section 3.2 (parameters), RFC 9110 section 8, RFC 9112
sections 3.2 (Host) and 6.1 (Transfer-Encoding). It is pure,
and it is here because the framework's form parser lets several of these through: another content
type as an empty form, invalid UTF-8 as U+FFFD, NUL, the first of two Authorization headers.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

import msgspec

from data_plane.protocol.errors import (
    EncodedBody,
    HeadersTooLarge,
    InvalidRequest,
    MalformedMessage,
    RequestTooLarge,
)

MAXIMUM_BODY = 16 * 1024  # bytes
_MAXIMUM_HEADERS = 100
_MAXIMUM_HEADER_BYTES = 16 * 1024
_MAXIMUM_AUTHORIZATION = 8 * 1024
_MAXIMUM_PARAMETERS = 64

_FORM = re.compile(
    rb'application/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*;?)?',
    re.IGNORECASE,
)
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ONCE = frozenset(
    {
        b"authorization",
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"host",
        b"transfer-encoding",
    }
)
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-(?P<trace_id>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_HOST = re.compile(rb"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class RequestHead(msgspec.Struct, frozen=True, kw_only=True):
    """The headers that the endpoints read, each present at most once."""

    host: str  # the name in lower case, without a port
    authorization: bytes | None
    content_type: bytes | None
    content_encoding: bytes | None
    content_length: int | None
    if_none_match: bytes | None
    trace_id: str  # of a W3C traceparent, or empty


class Form(msgspec.Struct, frozen=True):
    """The parameters, each with a value and at most once; only `resource` may repeat (RFC 8707)."""

    values: Mapping[str, str]
    resources: tuple[str, ...]

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def required(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            raise InvalidRequest("a required parameter is missing")
        return value


def read_head(headers: Sequence[tuple[bytes, bytes]]) -> RequestHead:
    """Read the headers; their names are in lower case, as ASGI has them."""
    if len(headers) > _MAXIMUM_HEADERS:
        raise HeadersTooLarge("the request has too many headers")
    seen = dict(headers)
    if len(seen) != len(headers):
        _check_repeated(headers)
    size = sum(map(len, chain.from_iterable(headers)))
    if (
        size > _MAXIMUM_HEADER_BYTES
        or len(seen.get(b"authorization", b"")) > _MAXIMUM_AUTHORIZATION
    ):
        raise HeadersTooLarge("the request's headers are too large")
    _check_transfer_coding(seen.get(b"transfer-encoding", b"chunked"))
    return RequestHead(
        host=_host(seen.get(b"host", b"")),
        authorization=seen.get(b"authorization"),
        content_type=seen.get(b"content-type"),
        content_encoding=seen.get(b"content-encoding"),
        content_length=_content_length(seen.get(b"content-length")),
        if_none_match=seen.get(b"if-none-match"),
        trace_id=read_trace_id(seen[b"traceparent"]) if b"traceparent" in seen else "",
    )


def read_trace_id(traceparent: bytes) -> str:
    """Read W3C Trace Context section 3.2; what is malformed is ignored (section 3.2.2)."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return "" if match is None else match["trace_id"].decode()


def _check_repeated(headers: Sequence[tuple[bytes, bytes]]) -> None:
    counts = Counter(name for name, _ in headers)
    if any(counts[name] > 1 for name in _ONCE):
        raise InvalidRequest("a header that may stand once is repeated")


def check_form_head(head: RequestHead, query: bytes, hosts: Collection[str]) -> None:
    """Refuse, before a byte of the body is read, what cannot be a form of ours."""
    if head.host not in hosts:
        raise InvalidRequest("the Host header names another server")
    if query:
        raise InvalidRequest("parameters belong in the body, not in the query")
    if head.content_encoding not in {None, b"", b"identity"}:
        raise EncodedBody("a compressed body is not accepted")
    if head.content_type is None or not _FORM.fullmatch(head.content_type):
        raise InvalidRequest("the content type must be application/x-www-form-urlencoded")
    if head.content_length is not None and head.content_length > MAXIMUM_BODY:
        raise RequestTooLarge("the body is too large")


def read_form(body: bytes) -> Form:
    if body.count(b"&") >= _MAXIMUM_PARAMETERS:
        raise InvalidRequest("the request has too many parameters")
    return _form(_pairs(body))


def decode_component(encoded: bytes) -> str:
    """Decode one application/x-www-form-urlencoded name or value, refusing what is not UTF-8."""
    if _BAD_ESCAPE.search(encoded):
        raise InvalidRequest("the request has a malformed percent-encoding")
    try:
        text = unquote_to_bytes(encoded.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise InvalidRequest("the request is not UTF-8") from None
    if "\0" in text:
        raise InvalidRequest("the request has a NUL character")
    return text


def _pairs(body: bytes) -> Iterable[tuple[str, str]]:
    for part in body.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            yield decode_component(name), decode_component(value)


def _form(pairs: Iterable[tuple[str, str]]) -> Form:
    seen: set[str] = set()
    values: dict[str, str] = {}
    resources: list[str] = []
    for name, value in pairs:
        if name == "resource":
            if value:
                resources.append(value)
            continue
        if name in seen:
            raise InvalidRequest("a parameter is present more than once")
        seen.add(name)
        if value:  # section 3.2: a parameter without a value counts as omitted
            values[name] = value
    return Form(MappingProxyType(values), tuple(resources))


def _check_transfer_coding(value: bytes) -> None:
    if value.lower() != b"chunked":  # the one coding that the server has undone
        raise MalformedMessage("the body has a transfer coding that is not read here")


def _host(value: bytes) -> str:
    match = _HOST.fullmatch(value)
    if match is None:
        raise InvalidRequest("the Host header is missing or malformed")
    return match["name"].decode().lower()


def _content_length(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not value.isdigit():
        raise InvalidRequest("the Content-Length is malformed")
    return int(value[:12])
