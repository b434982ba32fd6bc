"""Signing and verifying: the key decides the algorithm, and each token has one spelling."""

from base64 import urlsafe_b64decode
from collections.abc import Callable

import jwt
import msgspec
import pytest

from control_plane.keys.actions import make_signing_key
from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.revocation import DenySet
from data_plane.protocol.served_issuer import ServedIssuer, serve_issuer
from data_plane.signing import JwtSigner
from shared.domain.client import TokenProfile
from shared.domain.ids import ClientId, TenantId
from shared.domain.jwk import Algorithm
from shared.domain.jws import base64url, encode_base64url
from shared.domain.snapshot import IssuerSnapshot, KeyState, TenantStatus
from shared.runtime.config import Key
from shared.runtime.sealing import Sealer

SEALER = Sealer((Key(b"m" * 32),))
OURS, THEIRS = TenantId("aaaaaaaaaaaaa"), TenantId("bbbbbbbbbbbbb")


def made_issuer(tenant: TenantId, slug: str) -> ServedIssuer:
    snapshot = IssuerSnapshot(
        tenant_id=tenant,
        slug=slug,
        version=1,
        status=TenantStatus.ACTIVE,
        signing_keys=tuple(make_signing_key(each, tenant, SEALER) for each in Algorithm),
        scopes=(),
    )
    return serve_issuer(snapshot, "https://id.example", DenySet())


@pytest.fixture(scope="module")
def issuer() -> ServedIssuer:
    return made_issuer(OURS, "acme")


def claims_of(issuer: ServedIssuer) -> AccessTokenClaims:
    return AccessTokenClaims(
        iss=issuer.issuer,
        sub="c",
        aud="https://a",
        client_id=ClientId("c"),
        azp=ClientId("c"),
        scope="",
        iat=1_700_000_000,
        exp=4_000_000_000,
        jti="j",
    )


def sign(issuer: ServedIssuer, algorithm: Algorithm = Algorithm.ES256) -> str:
    return sign_claims(claims_of(issuer), issuer, algorithm)


def sign_claims(claims: AccessTokenClaims, issuer: ServedIssuer, algorithm: Algorithm) -> str:
    payload = base64url(msgspec.json.encode(claims))
    return JwtSigner(SEALER).key(issuer, algorithm, TokenProfile.AT_JWT).signed(payload).decode()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_another_library_verifies_what_we_sign(issuer: ServedIssuer, algorithm: Algorithm) -> None:
    token = sign(issuer, algorithm)
    keys = jwt.PyJWKSet.from_json(issuer.jwks.body.decode())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    decoded = jwt.decode(token, key, [algorithm], audience="https://a")
    assert decoded == msgspec.to_builtins(claims_of(issuer))


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_our_own_token_verifies(issuer: ServedIssuer, algorithm: Algorithm) -> None:
    assert JwtSigner(SEALER).verify(sign(issuer, algorithm), issuer) == claims_of(issuer)


def resigned_as(token: str, header: dict[str, object]) -> str:
    _, payload, signature = token.split(".")
    return f"{encode_base64url(msgspec.json.encode(header))}.{payload}.{signature}"


def header_of(token: str) -> dict[str, object]:
    part = token.split(".", maxsplit=1)[0]
    header: dict[str, object] = msgspec.json.decode(urlsafe_b64decode(part + "=="))
    return header


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"alg": "none"}, id="D1-none"),
        pytest.param({"alg": "HS256"}, id="D2-hmac"),
        pytest.param({"alg": "RS256"}, id="D3-another-alg-of-ours"),
        pytest.param({"typ": "JWT2"}, id="D7-another-type"),
        pytest.param({"typ": "dpop+jwt"}, id="D7-a-proof"),
        pytest.param({"kid": "../../etc/passwd"}, id="D5-path"),
        pytest.param({"kid": "' OR 1=1"}, id="D5-sql"),
    ],
)
def test_a_changed_header_is_not_ours(issuer: ServedIssuer, changed: dict[str, object]) -> None:
    token = sign(issuer)
    assert JwtSigner(SEALER).verify(resigned_as(token, header_of(token) | changed), issuer) is None


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_another_tenants_token_is_not_ours(issuer: ServedIssuer, algorithm: Algorithm) -> None:
    theirs = made_issuer(THEIRS, "acme2")
    assert JwtSigner(SEALER).verify(sign(theirs, algorithm), issuer) is None


def test_a_header_that_was_ours_is_judged_again(issuer: ServedIssuer) -> None:
    signer, token = JwtSigner(SEALER), sign(issuer)
    assert signer.verify(token, issuer) is not None
    assert signer.verify(token, made_issuer(THEIRS, "acme2")) is None
    head, payload, signature = token.split(".")
    for changed in (f"{head}.{payload}A.{signature}", f"{head}.{payload}.{signature[::-1]}"):
        assert signer.verify(changed, issuer) is None
    assert signer.verify(token, issuer) == claims_of(issuer)


def twice(issuer: ServedIssuer) -> bytes:
    return b'{"iss":"https://evil.example",' + msgspec.json.encode(claims_of(issuer))[1:]


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"", b'{"iss":"\xff"}', b"{", twice])
def test_what_our_key_signed_and_is_no_access_token_is_not_ours(
    issuer: ServedIssuer, payload: bytes | Callable[[ServedIssuer], bytes]
) -> None:
    payload = payload if isinstance(payload, bytes) else payload(issuer)
    key = JwtSigner(SEALER).key(issuer, Algorithm.ES256, TokenProfile.AT_JWT)
    token = key.signed(base64url(payload)).decode()
    assert JwtSigner(SEALER).verify(token, issuer) is None


def test_a_token_with_our_key_and_a_siblings_issuer_is_not_ours(issuer: ServedIssuer) -> None:
    for iss in (issuer.issuer + "2", issuer.issuer + "/", issuer.issuer.upper()):
        claims = msgspec.structs.replace(claims_of(issuer), iss=iss)
        token = sign_claims(claims, issuer, Algorithm.ES256)
        assert JwtSigner(SEALER).verify(token, issuer) is None, "D8"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_changed_signature_is_not_ours(issuer: ServedIssuer, algorithm: Algorithm) -> None:
    head, payload, signature = sign(issuer, algorithm).split(".")
    octets = bytearray(urlsafe_b64decode(signature + "=="))
    octets[0] ^= 1
    for changed in (b"", bytes(len(octets)), bytes(octets), bytes(octets) + b"\0"):
        token = f"{head}.{payload}.{encode_base64url(changed)}"
        assert JwtSigner(SEALER).verify(token, issuer) is None, "D10"


def test_only_the_current_key_signs_and_every_published_one_verifies() -> None:
    issuer = made_issuer(OURS, "acme")
    token = sign(issuer)
    retired = tuple(
        msgspec.structs.replace(key, state=KeyState.RETIRED) for key in issuer.snapshot.signing_keys
    )
    fresh = make_signing_key(Algorithm.ES256, OURS, SEALER)
    rotated = serve_issuer(
        msgspec.structs.replace(issuer.snapshot, version=2, signing_keys=(*retired, fresh)),
        "https://id.example",
        DenySet(),
    )
    signer = JwtSigner(SEALER)
    assert signer.verify(token, rotated) is not None
    assert header_of(sign(rotated))["kid"] == fresh.kid
    gone = serve_issuer(
        msgspec.structs.replace(rotated.snapshot, version=3, signing_keys=(fresh,)),
        "https://id.example",
        DenySet(),
    )
    assert signer.verify(token, gone) is None
