"""Reading a DPoP proof: every check of RFC 9449 section 4.3 that needs no store."""

from typing import Any

import pytest

from data_plane.protocol.dpop import proof_in, read_proof
from data_plane.protocol.errors import InvalidDpopProof
from data_plane.signing import ForeignVerifier
from shared.domain.client_jwk import ClientJwk, thumbprint
from tests.assertions import ABSENT
from tests.proofs import Prover, new_prover

URL = "https://id.example/t/acme/oauth/token"
NOW = 1_700_000_000
SMALL_ORDER = {"kty": "OKP", "crv": "Ed25519", "x": "AQ" + "A" * 41}


@pytest.fixture(scope="module")
def prover() -> Prover:
    return new_prover()


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256"])
def test_a_right_proof_is_read_and_verifies(algorithm: str) -> None:
    prover = new_prover(algorithm)
    proof = read_proof(prover.proof(URL, iat=NOW), URL, now=NOW)
    assert proof.algorithm == algorithm
    assert ForeignVerifier().verify(proof.jws, proof.algorithm, proof.key)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"kid": "mine"}, id="kid"),
        pytest.param({"use": "sig", "alg": "ES256"}, id="use-and-alg"),
        pytest.param({"key_ops": ["verify"], "ext": True}, id="as-browsers-export-it"),
    ],
)
def test_what_a_key_says_of_itself_does_not_change_its_thumbprint(
    prover: Prover, more: dict[str, Any]
) -> None:
    plain = read_proof(prover.sign(prover.claims(URL, iat=NOW)), URL, now=NOW)
    claims = prover.claims(URL, iat=NOW)
    other = read_proof(prover.sign(claims, jwk=prover.jwk | more), URL, now=NOW)
    assert other.thumbprint == plain.thumbprint


def test_the_thumbprint_is_that_of_rfc_7638s_example() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
        "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0"
        "_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWh"
        "AI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = ClientJwk(kty="RSA", n=n, e="AQAB", alg="RS256", kid="2011-04-29")
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"jti": ABSENT}, id="G1-no-jti"),
        pytest.param({"jti": ""}, id="G1-empty-jti"),
        pytest.param({"jti": "x" * 257}, id="G1-long-jti"),
        pytest.param({"jti": 7}, id="G1-jti-a-number"),
        pytest.param({"htm": ABSENT}, id="G1-no-htm"),
        pytest.param({"htm": "GET"}, id="G1-another-htm"),
        pytest.param({"htm": "post"}, id="G1-htm-in-lower-case"),
        pytest.param({"htu": ABSENT}, id="G1-no-htu"),
        pytest.param({"htu": ""}, id="G1-empty-htu"),
        pytest.param({"htu": "/t/acme/oauth/token"}, id="G1-relative-htu"),
        pytest.param({"htu": URL + "/"}, id="G1-htu-with-slash"),
        pytest.param({"htu": "https://id.example/t/acme2/oauth/token"}, id="G1-siblings-htu"),
        pytest.param({"htu": "https://id.example/t/acme"}, id="G1-htu-the-issuer"),
        pytest.param({"htu": "http://id.example/t/acme/oauth/token"}, id="G1-htu-another-scheme"),
        pytest.param({"htu": "https://id.example:444/t/acme/oauth/token"}, id="G1-htu-port"),
        pytest.param({"htu": "https://id.example:x/t/acme/oauth/token"}, id="G1-htu-no-port"),
        pytest.param({"htu": "https://a@id.example/t/acme/oauth/token"}, id="G1-htu-user"),
        pytest.param({"htu": "https://id.example/t/ACME/oauth/token"}, id="G1-htu-path-case"),
        pytest.param({"htu": "https://id.example/t/acme%2Foauth/token"}, id="G1-htu-slash"),
        pytest.param({"htu": "https://id.example/t/acme/oauth/\ttoken"}, id="G1-htu-tab"),
        pytest.param({"htu": " " + URL}, id="G1-htu-space"),
        pytest.param({"htu": "https://[id.example/t/acme/oauth/token"}, id="G1-htu-bracket"),
        pytest.param({"htu": [URL]}, id="G1-htu-a-list"),
        pytest.param({"iat": ABSENT}, id="G1-no-iat"),
        pytest.param({"iat": str(NOW)}, id="G1-iat-text"),
        pytest.param({"iat": True}, id="G1-iat-bool"),
        pytest.param({"iat": NOW + 0.5}, id="G1-iat-fraction"),
        pytest.param({"iat": 10**30}, id="G1-iat-huge"),
        pytest.param({"iat": NOW - 3600}, id="G1-iat-an-hour-old"),
        pytest.param({"iat": NOW + 3600}, id="G1-iat-an-hour-ahead"),
        pytest.param({"iat": NOW - 61}, id="G1-iat-too-old"),
        pytest.param({"iat": NOW + 16}, id="G1-iat-too-far-ahead"),
        pytest.param({"nonce": 5}, id="G1-nonce-a-number"),
    ],
)
def test_a_wrong_claim_is_refused(prover: Prover, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidDpopProof):
        read_proof(prover.proof(URL, **({"iat": NOW} | changes)), URL, now=NOW)


def wrong_headers(prover: Prover) -> dict[str, dict[str, Any]]:
    jwk = prover.jwk
    return {
        "no-typ": {"typ": ABSENT},
        "access-token-typ": {"typ": "at+jwt"},
        "plain-typ": {"typ": "JWT"},
        "typ-case": {"typ": "DPoP+JWT"},
        "no-jwk": {"jwk": ABSENT},
        "jwk-null": {"jwk": None},
        "jwk-text": {"jwk": "key"},
        "jwk-empty": {"jwk": {}},
        "private-key": {"jwk": prover.private_jwk},
        "private-member-of-another-kind": {"jwk": jwk | {"k": "AAAA"}},
        "symmetric": {"jwk": {"kty": "oct", "k": "A" * 43}},
        "jwk-without-y": {"jwk": {name: jwk[name] for name in ("kty", "crv", "x")}},
        "jwk-not-on-curve": {"jwk": jwk | {"x": "A" * 43}},
        "jwk-P-384": {"jwk": jwk | {"crv": "P-384"}},
        "jwk-for-encryption": {"jwk": jwk | {"use": "enc"}},
        "jwk-padded": {"jwk": jwk | {"x": jwk["x"] + "="}},
        "jwk-small-order": {"jwk": SMALL_ORDER},
        "jwk-exponent-1": {"jwk": {"kty": "RSA", "n": "_" * 342, "e": "AQ"}},
        "crit": {"crit": ["exp"], "exp": 1},
        "crit-empty": {"crit": []},
        "jku": {"jku": "https://evil.example/keys"},
        "x5u": {"x5u": "https://evil.example/cert"},
        "x5c": {"x5c": ["AAAA"]},
        "b64": {"b64": True},
        "zip": {"zip": "DEF"},
    }


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=f"G1-{each}") for each in wrong_headers(new_prover())]
)
def test_a_wrong_header_is_refused(prover: Prover, case: str) -> None:
    text = prover.sign(prover.claims(URL, iat=NOW), **wrong_headers(prover)[case])
    with pytest.raises(InvalidDpopProof):
        read_proof(text, URL, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="G1-empty"),
        pytest.param("a.b", id="G1-two-parts"),
        pytest.param("a.b.c", id="G1-garbage"),
        pytest.param("a.b.c.d.e", id="G1-encrypted"),
        pytest.param("\xe9.\xe9.\xe9", id="G1-not-ascii"),
        pytest.param("A" * 9000, id="D13-long"),
    ],
)
def test_what_is_no_compact_jws_is_refused(text: str) -> None:
    with pytest.raises(InvalidDpopProof):
        read_proof(text, URL, now=NOW)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(
            b'{"jti":"a","jti":"b","htm":"POST","htu":"' + URL.encode() + b'","iat":1700000000}',
            id="D11-twice",
        ),
        pytest.param(b"[" * 3000 + b"]" * 3000, id="D12-deep"),
        pytest.param(b"null", id="G1-null"),
        pytest.param(b"\xff", id="G1-not-utf-8"),
        pytest.param(
            b'{"jti":"\\ud800","htm":"POST","htu":"u","iat":1700000000}', id="D11-surrogate"
        ),
    ],
)
def test_claims_that_are_not_one_object_are_refused(prover: Prover, payload: bytes) -> None:
    with pytest.raises(InvalidDpopProof):
        read_proof(prover.sign(payload), URL, now=NOW)


def test_a_short_rsa_key_is_refused() -> None:
    short = new_prover("RS256", bits=1024)
    with pytest.raises(InvalidDpopProof):
        read_proof(short.proof(URL, iat=NOW), URL, now=NOW)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", "RS1", "es256", ""])
def test_an_algorithm_that_is_not_on_the_list_is_refused(prover: Prover, algorithm: str) -> None:
    text = prover.sign(prover.claims(URL, iat=NOW), alg=algorithm)
    with pytest.raises(InvalidDpopProof):
        read_proof(text, URL, now=NOW)


@pytest.mark.parametrize(
    "htu",
    [
        pytest.param(URL + "?a=b", id="G3-query"),
        pytest.param(URL + "#a", id="G3-fragment"),
        pytest.param("HTTPS://ID.Example/t/acme/oauth/token", id="G3-upper-case"),
        pytest.param("https://id.example:443/t/acme/oauth/token", id="G3-default-port"),
        pytest.param("https://id.example:/t/acme/oauth/token", id="G3-empty-port"),
        pytest.param("https://id.example/t/%61cme/oauth/token", id="G3-needless-escape"),
    ],
)
def test_an_htu_that_means_the_same_is_taken(prover: Prover, htu: str) -> None:
    assert read_proof(prover.proof(htu, iat=NOW), URL, now=NOW).nonce is None


@pytest.mark.parametrize("seconds", [-60, -10, 0, 10, 15])
def test_an_iat_of_now_or_so_is_taken(prover: Prover, seconds: int) -> None:
    proof = read_proof(prover.proof(URL, iat=NOW + seconds), URL, now=NOW)
    assert proof.spend.expires_at > NOW + seconds + 60, "kept for as long as it could be taken"


def test_a_jti_is_spent_for_one_key_only() -> None:
    one, other = (read_proof(new_prover().proof(URL, iat=NOW, jti="j"), URL, now=NOW) for _ in "ab")
    assert one.spend.digest != other.spend.digest


def test_the_one_header_is_found_and_two_are_refused() -> None:
    assert proof_in([(b"host", b"a")]) is None
    assert proof_in([(b"host", b"a"), (b"dpop", b"x.y.z")]) == "x.y.z"
    with pytest.raises(InvalidDpopProof):
        proof_in([(b"dpop", b"x"), (b"dpop", b"x")])
