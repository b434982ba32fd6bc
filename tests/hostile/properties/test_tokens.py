"""A token that differs from a signed one in anything is refused, and nothing raises."""

from base64 import urlsafe_b64decode
from contextlib import suppress
from functools import cache

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import strategies as st
from jwt import encode
from jwt.algorithms import RSAAlgorithm

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.served_issuer import ServedIssuer
from data_plane.signing import ForeignVerifier, JwtSigner
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import TenantId
from shared.domain.jwk import Algorithm
from shared.domain.jws import (
    FOREIGN_ALGORITHMS,
    Jws,
    MalformedJws,
    OwnHeader,
    read_json,
    read_jws,
)
from tests.data_plane.test_signing import OURS, SEALER, made_issuer, sign
from tests.hostile.properties.registry import holds_for

_CHARACTERS = st.characters(max_codepoint=0x17F)
_CHANGES = st.sampled_from(["replace", "insert", "delete", "swap"])
_PLACES = st.floats(0, 1, exclude_max=True)  # of the token's length
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
_CLAIM_NAMES = ("iss", "sub", "aud", "client_id", "azp", "scope", "iat", "exp", "jti")
_CLAIMS = st.fixed_dictionaries(
    dict.fromkeys(_CLAIM_NAMES, st.text(max_size=4) | st.integers() | _JSON)
)
_LIKELY_CLAIMS = st.fixed_dictionaries(
    dict.fromkeys(_CLAIM_NAMES[:6] + _CLAIM_NAMES[8:], st.text(max_size=4))
    | dict.fromkeys(_CLAIM_NAMES[6:8], st.integers())
)
_WRITTEN = (_CLAIMS | _LIKELY_CLAIMS | _JSON).map(msgspec.json.encode) | st.binary(max_size=80)
_BASE64URL = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", max_size=400
)
_MEMBER = st.none() | st.text(max_size=8) | _BASE64URL | st.sampled_from(["AQAB", "AQ", "A" * 43])
_KEYS = st.builds(
    ClientJwk,
    kty=st.sampled_from(["EC", "RSA", "OKP", "oct"]) | st.text(max_size=3),
    crv=st.sampled_from([None, "P-256", "P-384", "Ed25519", "Ed448", "X25519"]),
    alg=st.none() | st.sampled_from(FOREIGN_ALGORITHMS),
    use=st.sampled_from([None, "sig", "enc"]),
    **dict.fromkeys("xyne", _MEMBER),
)


@cache
def issuer() -> ServedIssuer:
    return made_issuer(OURS, "acme")


@cache
def neighbour() -> ServedIssuer:
    return made_issuer(TenantId("bbbbbbbbbbbbb"), "acme2")


@cache
def signed(algorithm: Algorithm) -> str:
    return sign(issuer(), algorithm)


@cache
def signer() -> JwtSigner:
    return JwtSigner(SEALER)


@cache
def pss_token() -> tuple[str, ClientJwk]:
    private = rsa.generate_private_key(65537, 2048)
    token = encode({"iss": "c"}, private, "PS256", {"kid": "k", "typ": "JWT"})
    jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return token, msgspec.convert(jwk, ClientJwk)


def changed(token: str, change: str, place: float, character: str) -> str:
    at = int(place * len(token))
    before, after = token[:at], token[at + 1 :]
    match change:
        case "replace":
            return before + character + after
        case "insert":
            return before + character + token[at:]
        case "delete":
            return before + after
        case _:
            return before + after[:1] + token[at] + after[1:]


def foreign_key_of(algorithm: Algorithm) -> ClientJwk:
    jwk = msgspec.to_builtins(issuer().current_keys[algorithm].jwk)
    return msgspec.convert(jwk, ClientJwk)


def verified(token: str, algorithm: str, key: ClientJwk) -> bool:
    try:
        jws = read_jws(token, OwnHeader)
    except MalformedJws:
        return False
    return jws.header.alg == algorithm and ForeignVerifier().verify(jws, algorithm, key)


@holds_for(
    algorithm=st.sampled_from(list(Algorithm)),
    change=_CHANGES,
    place=_PLACES,
    character=_CHARACTERS,
)
def test_a_token_of_ours_with_one_character_changed_is_refused(
    algorithm: Algorithm, change: str, place: float, character: str
) -> None:
    token = signed(algorithm)
    mutant = changed(token, change, place, character)
    assert (signer().verify(mutant, issuer()) is not None) is (mutant == token)
    assert verified(mutant, algorithm, foreign_key_of(algorithm)) is (mutant == token)
    assert signer().verify(mutant, neighbour()) is None


@holds_for(change=_CHANGES, place=_PLACES, character=_CHARACTERS)
def test_a_ps256_token_of_others_with_one_character_changed_is_refused(
    change: str, place: float, character: str
) -> None:
    token, key = pss_token()
    mutant = changed(token, change, place, character)
    assert verified(mutant, "PS256", key) is (mutant == token)


@holds_for(written=_WRITTEN)
def test_claims_that_pass_say_what_was_written_and_no_more(written: bytes) -> None:
    with suppress(MalformedJws):
        claims = read_json(written, AccessTokenClaims)
        said = msgspec.json.decode(written)
        assert msgspec.to_builtins(claims).items() <= said.items()


@holds_for(
    algorithm=st.sampled_from([*FOREIGN_ALGORITHMS, "none", "HS256", ""]),
    key=_KEYS,
    signature=st.binary(max_size=300) | st.binary(min_size=64, max_size=64),
)
def test_a_key_of_any_members_verifies_no_signature_that_it_did_not_make(
    algorithm: str, key: ClientJwk, signature: bytes
) -> None:
    header = OwnHeader(alg=algorithm, kid="k", typ="JWT")
    jws = Jws(header=header, signing_input=b"a.b", payload=b"", signature=signature)
    assert ForeignVerifier().verify(jws, algorithm, key) is False


@holds_for(
    algorithm=st.sampled_from(list(Algorithm)),
    member=st.sampled_from(["kty", "crv", "x", "y", "n", "e"]),
    change=_CHANGES,
    place=_PLACES,
    character=_CHARACTERS,
)
def test_a_damaged_key_is_useless_and_no_error(
    algorithm: Algorithm, member: str, change: str, place: float, character: str
) -> None:
    key = foreign_key_of(algorithm)
    damaged = changed(getattr(key, member) or "A", change, place, character)
    # a library may read some spellings of a member alike; then it is the same key
    useless = not verified(
        signed(algorithm), algorithm, msgspec.structs.replace(key, **{member: damaged})
    )
    assert useless or is_another_spelling(damaged, getattr(key, member))


def is_another_spelling(damaged: str, member: str | None) -> bool:
    if member is None:  # nothing that a key of this kind has
        return True
    return damaged == member or octets_of(damaged) == octets_of(member)


def octets_of(member: str) -> bytes:
    """Decode as leniently as libraries do: they skip what is not of the alphabet."""
    encoded = member.encode()
    return urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)).lstrip(b"\0")
