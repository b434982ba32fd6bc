"""RFC 6749 appendix B and section 3.2, as bytes and without a server."""

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_plane.protocol.errors import (
    EncodedBody,
    HeadersTooLarge,
    InvalidRequest,
    OAuthError,
    RequestTooLarge,
)
from data_plane.protocol.request_gate import Form, check_form_head, read_form, read_head

FORM = (b"content-type", b"application/x-www-form-urlencoded")
HOST = (b"host", b"id.example:8080")
HOSTS = ("id.example",)


def test_a_form_is_read() -> None:
    form = read_form(b"grant_type=client_credentials&scope=a+b%20c&x=%C3%A9")
    assert dict(form.values) == {"grant_type": "client_credentials", "scope": "a b c", "x": "é"}


@pytest.mark.parametrize(
    ("body", "values"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"&&", {}, id="only-separators"),
        pytest.param(b"scope=", {}, id="3.2-empty-counts-as-omitted"),
        pytest.param(b"scope", {}, id="3.2-no-value-counts-as-omitted"),
        pytest.param(b"a=b=c", {"a": "b=c"}, id="second-equals-sign-is-value"),
        pytest.param(b"a=%26%3D", {"a": "&="}, id="escaped-separators"),
        pytest.param(b"%67rant_type=x", {"grant_type": "x"}, id="escaped-name"),
    ],
)
def test_forms_that_are_read(body: bytes, values: dict[str, str]) -> None:
    assert dict(read_form(body).values) == values


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"a=1&a=2", id="3.2-repeated"),
        pytest.param(b"a=1&a=", id="3.2-repeated-and-empty"),
        pytest.param(b"a=1&%61=2", id="3.2-repeated-in-another-spelling"),
        pytest.param(b"a=%zz", id="A11-bad-escape"),
        pytest.param(b"a=%4", id="A11-short-escape"),
        pytest.param(b"a=%ff", id="A11-escaped-not-utf8"),
        pytest.param(b"a=\xff", id="A11-raw-not-utf8"),
        pytest.param(b"a=%00", id="A11-escaped-nul"),
        pytest.param(b"a=\x00", id="A11-raw-nul"),
        pytest.param(b"a=%ED%A0%80", id="A11-surrogate"),
        pytest.param(b"&".join(b"p%d=1" % n for n in range(65)), id="A8-65-parameters"),
        pytest.param(b"a=1&" * 4000, id="A8-many-repeats"),
    ],
)
def test_forms_that_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_form(body)


def test_resource_alone_may_repeat() -> None:
    form = read_form(b"resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb&resource=")
    assert form.resources == ("https://a", "https://b")


@given(st.binary(max_size=400))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    with suppress(OAuthError):
        form = read_form(body)
        assert isinstance(form, Form)
        assert not any("\0" in text for pair in form.values.items() for text in pair)


@given(st.dictionaries(st.text(min_size=1).filter(lambda t: "\0" not in t), st.text(min_size=1)))
def test_what_a_library_encodes_is_read_back(pairs: dict[str, str]) -> None:
    pairs = {
        name: value
        for name, value in pairs.items()
        if "\0" not in value and name != "resource" and _is_utf8(name + value)
    }
    if len(pairs) <= 64:
        assert dict(read_form(urlencode(pairs).encode()).values) == pairs


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(b"application/x-www-form-urlencoded", id="plain"),
        pytest.param(b"Application/X-WWW-Form-Urlencoded", id="case"),
        pytest.param(b"application/x-www-form-urlencoded; charset=UTF-8", id="charset"),
        pytest.param(b'application/x-www-form-urlencoded;charset="utf-8"', id="quoted"),
        pytest.param(b"application/x-www-form-urlencoded ;charset=utf-8;", id="trailing"),
    ],
)
def test_content_types_that_are_a_form(content_type: bytes) -> None:
    check_form_head(read_head([HOST, (b"content-type", content_type)]), b"", HOSTS)


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(None, id="A10-none"),
        pytest.param(b"", id="A10-empty"),
        pytest.param(b"application/json", id="A10-json"),
        pytest.param(b"multipart/form-data; boundary=x", id="A10-multipart"),
        pytest.param(b"application/x-www-form-urlencoded, text/plain", id="A10-two"),
        pytest.param(b"application/x-www-form-urlencoded; charset=utf-7", id="A11-utf-7"),
        pytest.param(b"application/x-www-form-urlencoded; charset=utf-16", id="A11-utf-16"),
        pytest.param(b"application/x-www-form-urlencodedx", id="A10-longer"),
        pytest.param(b"x-www-form-urlencoded", id="A10-no-type"),
    ],
)
def test_content_types_that_are_not(content_type: bytes | None) -> None:
    headers = [] if content_type is None else [(b"content-type", content_type)]
    with pytest.raises(InvalidRequest):
        check_form_head(read_head([HOST, *headers]), b"", HOSTS)


def test_a_query_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        check_form_head(read_head([HOST, FORM]), b"client_secret=x", HOSTS)


@pytest.mark.parametrize("coding", [b"gzip", b"zstd", b"deflate", b"gzip, gzip"])
def test_a_compressed_body_is_refused(coding: bytes) -> None:
    with pytest.raises(EncodedBody):
        check_form_head(read_head([HOST, FORM, (b"content-encoding", coding)]), b"", HOSTS)


def test_a_length_over_the_bound_is_refused_before_the_body() -> None:
    with pytest.raises(RequestTooLarge):
        check_form_head(read_head([HOST, FORM, (b"content-length", b"16385")]), b"", HOSTS)


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        pytest.param([(b"authorization", b"a")] * 2, InvalidRequest, id="B9-two-authorizations"),
        pytest.param([(b"host", b"a")] * 2, InvalidRequest, id="A3-two-hosts"),
        pytest.param([FORM, FORM], InvalidRequest, id="A10-two-content-types"),
        pytest.param([(b"content-length", b"-1")], InvalidRequest, id="A2-negative-length"),
        pytest.param([(b"x", b"")] * 101, HeadersTooLarge, id="A6-101-headers"),
        pytest.param([(b"x", b"a" * 16_384)], HeadersTooLarge, id="A6-16-KiB"),
        pytest.param([(b"authorization", b"a" * 8_193)], HeadersTooLarge, id="A6-authorization"),
    ],
)
def test_heads_that_are_refused(
    headers: list[tuple[bytes, bytes]], refusal: type[OAuthError]
) -> None:
    with pytest.raises(refusal):
        read_head(headers)
