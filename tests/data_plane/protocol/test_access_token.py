"""The template of a client's tokens, filled: RFC 9068's claims and RFC 6749's answer."""

from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from data_plane.protocol.access_token import AccessTokenClaims, TokenTemplate, template_of
from data_plane.protocol.grants.client_credentials import Issue
from shared.domain.client import Client, TokenProfile
from shared.domain.ids import ClientId
from shared.domain.jwk import Algorithm
from shared.domain.jws import decode_base64url

JTI = UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


def template(
    *audience: str, issuer: str = "https://i/t/x", claims: bytes = b"{}", scope: str = "write read"
) -> TokenTemplate:
    client = Client(
        client_id=ClientId("c_1"),
        enabled=True,
        secrets=(),
        apis=(),
        default_api=None,
        claims=claims,
    )
    issue = Issue(
        client=client,
        audience=audience or ("https://a",),
        scope=frozenset(scope.split()),
        lifetime=3600,
        algorithm=Algorithm.ES256,
        profile=TokenProfile.AT_JWT,
    )
    return template_of(issue, issuer)


def filled(made: TokenTemplate, jkt: str | None = None) -> dict[str, Any]:
    payload = made.payload(1000, JTI.bytes, jkt).decode()
    claims: dict[str, Any] = msgspec.json.decode(decode_base64url(payload))
    return claims


def test_the_claims_are_those_of_rfc_9068() -> None:
    assert filled(template()) == {
        "iss": "https://i/t/x",
        "sub": "c_1",
        "aud": "https://a",
        "client_id": "c_1",
        "azp": "c_1",
        "scope": "read write",
        "iat": 1000,
        "exp": 4600,
        "jti": str(JTI),
    }


def test_several_audiences_are_a_list() -> None:
    made = template("https://a", "https://b")
    assert filled(made)["aud"] == ["https://a", "https://b"]
    assert made.api == "https://a"


def test_a_bound_token_names_its_key_and_its_type() -> None:
    made = template(claims=b'{"team":"blue"}')
    claims = filled(made, "thumb")
    assert (claims["cnf"], claims["team"]) == ({"jkt": "thumb"}, "blue")
    assert msgspec.json.decode(made.response(b"a.b.c", "thumb"))["token_type"] == "DPoP"
    assert msgspec.json.decode(made.response(b"a.b.c", None)) == {
        "access_token": "a.b.c",
        "expires_in": 3600,
        "scope": "read write",
        "token_type": "Bearer",
    }


@given(st.text(), st.text(alphabet='"{}:,iatexpj0'), st.none() | st.just("k"))
def test_the_filled_template_is_what_encoding_the_claims_gives(
    issuer: str, audience: str, jkt: str | None
) -> None:
    """However many octets its groups leave over, and where a value looks like what varies."""
    payload = template(audience or "a", issuer=issuer).payload(7, JTI.bytes, jkt)
    octets = decode_base64url(payload.decode())
    claims = msgspec.json.decode(octets, type=AccessTokenClaims)
    assert msgspec.json.encode(claims) == octets
    assert (claims.iss, claims.aud, claims.jti) == (issuer, audience or "a", str(JTI))
