"""RFC 7515 sections 3 and 7.1, and what libraries let through."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_plane.protocol.access_token import AccessTokenClaims
from shared.domain.jws import MalformedJws, OwnHeader, encode_base64url, read_json, read_jws

HEADER = b'{"alg":"ES256","kid":"k","typ":"at+jwt"}'


def compact(header: bytes = HEADER, payload: bytes = b"{}", signature: bytes = b"abc") -> str:
    return ".".join(encode_base64url(part) for part in (header, payload, signature))


def test_a_compact_jws_is_read() -> None:
    jws = read_jws(compact(), OwnHeader)
    assert jws.header == OwnHeader("ES256", "k", "at+jwt")
    assert (jws.payload, jws.signature) == (b"{}", b"abc")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="E3-empty"),
        pytest.param("garbage", id="E3-garbage"),
        pytest.param(compact() + ".x", id="four-parts"),
        pytest.param(compact() + "==", id="D10-padding"),
        pytest.param(compact(signature=b"abcd")[:-1] + "B", id="D10-stray-bits"),
        pytest.param(compact().replace(".", ".\n", 1), id="D10-line-break"),
        pytest.param("é" + compact(), id="not-ascii"),
        pytest.param(compact(b"[]"), id="header-not-an-object"),
        pytest.param(compact(b"{"), id="header-not-json"),
        pytest.param(compact(b'{"alg":"none"}'), id="D1-none"),
        pytest.param(compact(b'{"alg":null,"kid":"k","typ":"at+jwt"}'), id="D1-null"),
        pytest.param(compact(HEADER[:-1] + b',"crit":[]}'), id="D4-crit-empty"),
        pytest.param(compact(HEADER[:-1] + b',"crit":["exp"]}'), id="D4-crit"),
        pytest.param(compact(HEADER[:-1] + b',"zip":"DEF"}'), id="D13-zip"),
        pytest.param(compact(HEADER[:-1] + b',"jwk":{}}'), id="B18-embedded-key"),
        pytest.param(compact(HEADER.replace(b'"k"', b'["k"]')), id="D5-kid-list"),
        pytest.param(compact(b"[" * 3000), id="D12-deep"),
        pytest.param(compact(payload=b"x" * 8192), id="D13-too-long"),
        pytest.param("a.b.c.d.e", id="D13-jwe"),
    ],
)
def test_what_is_not_one_of_ours_is_refused(token: str) -> None:
    with pytest.raises(MalformedJws):
        read_jws(token, OwnHeader)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(token: str) -> None:
    with suppress(MalformedJws):
        assert read_jws(token, OwnHeader).header.alg


CLAIMS = (
    b'{"iss":"i","sub":"c","aud":"a","client_id":"c","azp":"c","scope":"","iat":1,"exp":2,'
    b'"jti":"j"}'
)


def test_claims_are_read_by_their_types() -> None:
    claims = read_json(CLAIMS, AccessTokenClaims)
    assert (claims.exp, claims.audience) == (2, ("a",))


@pytest.mark.parametrize(
    ("member", "replaced"),
    [
        pytest.param(b'"exp":2', b'"exp":"2"', id="D11-string"),
        pytest.param(b'"exp":2', b'"exp":1e400', id="D11-1e400"),
        pytest.param(b'"exp":2', b'"exp":true', id="D11-bool"),
        pytest.param(b'"exp":2', b'"exp":NaN', id="D11-nan"),
        pytest.param(b'"exp":2', b'"x":2', id="missing"),
        pytest.param(b'"exp":2', b'"exp":1,"exp":2', id="D11-twice"),
        pytest.param(b'"iss":"i"', b'"iss":["i"]', id="D8-list"),
        pytest.param(b'"iss":"i"', b'"iss":"\\ud800"', id="D11-lone-surrogate"),
        pytest.param(b'"iss":"i"', b'"iss":' + b"[" * 3000, id="D12-deep"),
    ],
)
def test_claims_of_another_type_are_refused(member: bytes, replaced: bytes) -> None:
    with pytest.raises(MalformedJws):
        read_json(CLAIMS.replace(member, replaced), AccessTokenClaims)
