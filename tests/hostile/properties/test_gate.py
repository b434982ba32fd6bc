"""Whatever the bytes of a request are, the gate reads them as any library would, or refuses."""

import re
from base64 import b64encode
from contextlib import suppress
from types import MappingProxyType
from urllib.parse import parse_qsl, quote_plus, urlencode

from hypothesis import strategies as st

from data_plane.protocol.client_authentication import (
    PresentedSecret,
    read_client_authentication,
)
from data_plane.protocol.errors import OAuthError
from data_plane.protocol.request_gate import (
    MAXIMUM_BODY,
    Form,
    check_form_head,
    read_form,
    read_head,
)
from shared.domain.ids import ClientId
from tests.hostile.properties.registry import holds_for

FORM = b"application/x-www-form-urlencoded"
NO_FORM = Form(MappingProxyType({}), ())

_NAMES = st.sampled_from(
    [b"authorization", b"content-type", b"content-length", b"content-encoding", b"host", b"dpop"]
)
_VALUES = st.sampled_from(
    [
        FORM,
        FORM.upper(),
        FORM + b"; charset=utf-8",
        FORM + b";charset=utf-7",
        b"text/plain",
        b"",
        b"identity",
        b"gzip",
        b"0",
        b"-1",
        b"+5",
        b"1_0",
        b"16385",
        b"9" * 5000,
        b"\xb2",
        b"0x10",
    ]
)
_HEADERS = st.lists(
    st.tuples(_NAMES | st.binary(max_size=20), _VALUES | st.binary(max_size=60)), max_size=8
)
_PIECES = st.sampled_from(
    [
        b"&",
        b"=",
        b"+",
        b"%",
        b"%00",
        b"%2",
        b"%zz",
        b"%C3%A9",
        b"\xc3%a9",
        b"%ED%A0%80",
        b"\x00",
        b"a",
        b"%61",
        b"scope",
        b"resource",
        b"resource=https%3A%2F%2Fa",
        b";",
        b"\xff",
        b"%26",
    ]
)
_BODIES = st.lists(_PIECES | st.binary(max_size=4), max_size=24).map(b"".join)
_NO_NUL = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30)
_CREDENTIALS = st.lists(_PIECES | st.sampled_from([b":", b"c_1"]) | st.binary(max_size=4)).map(
    b"".join
)
_BASIC = st.builds(
    lambda scheme, credentials, tail: scheme + b64encode(credentials) + tail,
    st.sampled_from([b"Basic ", b"bASIC ", b"Basic", b"Basic  ", b"Bearer ", b"\tBasic "]),
    _CREDENTIALS,
    st.sampled_from([b"", b"=", b"\n", b" ", b",x"]),
)


@holds_for(headers=_HEADERS, query=st.binary(max_size=3))
def test_a_head_that_passes_is_a_plain_form_of_bounded_length(
    headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    try:
        head = read_head([(b"host", b"id.example"), *headers])
        check_form_head(head, query, {"id.example"})
    except OAuthError:
        return
    names = [name for name, _ in headers]
    assert query == b""
    assert names.count(b"content-type") == 1
    assert names.count(b"authorization") <= 1
    assert head.content_type is not None
    assert head.content_type.lower().startswith(FORM)
    assert dict(headers).get(b"content-encoding", b"") in {b"", b"identity"}
    if b"content-length" in names:
        assert head.content_length == int(dict(headers)[b"content-length"]) <= MAXIMUM_BODY


def as_urllib_reads(body: bytes) -> list[tuple[str, str]]:
    ascii_only = re.sub(rb"[\x80-\xff]", lambda octet: b"%%%02X" % ord(octet[0]), body)
    return parse_qsl(ascii_only.decode(), keep_blank_values=True, errors="strict")


@holds_for(body=_BODIES)
def test_a_form_that_passes_has_each_name_once_and_no_nul_and_reads_as_urllib_reads_it(
    body: bytes,
) -> None:
    try:
        form = read_form(body)
    except OAuthError:
        return
    pairs = as_urllib_reads(body)
    names = [name for name, _ in pairs if name != "resource"]
    assert len(names) == len(set(names))
    assert not any("\0" in text for pair in pairs for text in pair)
    expected = {name: value for name, value in pairs if value and name != "resource"}
    assert dict(form.values) == expected
    assert form.resources == tuple(v for name, v in pairs if v and name == "resource")
    again = [*form.values.items(), *(("resource", each) for each in form.resources)]
    assert read_form(urlencode(again).encode()) == form


@holds_for(authorization=_BASIC | st.binary(max_size=60))
def test_basic_credentials_that_pass_are_the_same_when_a_library_writes_them(
    authorization: bytes,
) -> None:
    with suppress(OAuthError):
        presented = read_client_authentication(authorization, NO_FORM)
        assert isinstance(presented, PresentedSecret)
        assert "\0" not in presented.client_id + presented.client_secret
        pair = f"{quote_plus(presented.client_id)}:{quote_plus(presented.client_secret)}"
        written = b"Basic " + b64encode(pair.encode())
        assert read_client_authentication(written, NO_FORM) == presented
        assert authorization[:6].lower() == b"basic "


@holds_for(client_id=_NO_NUL, secret=_NO_NUL)
def test_basic_credentials_that_a_library_writes_are_read_as_they_were(
    client_id: str, secret: str
) -> None:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    presented = read_client_authentication(b"Basic " + b64encode(pair), NO_FORM)
    assert presented == PresentedSecret(ClientId(client_id), secret)
