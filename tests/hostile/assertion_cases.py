"""The cases of rows B14 to B20, and of D1 to D13 for what a client signs."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.assertions import ABSENT, ASSERTION_TYPE, SigningClient, form_of, new_key_pair

REFUSED = (401, "invalid_client")
MALFORMED = (400, "invalid_request")

Case = Callable[[SigningClient], dict[str, str]]


def claims(**changes: Any) -> Case:
    return lambda client: form_of(client.assertion(**changes))


def header(**changes: Any) -> Case:
    return lambda client: form_of(client.sign(client.claims(), **changes))


def raw(payload: Callable[[SigningClient], bytes]) -> Case:
    return lambda client: form_of(client.sign(payload(client)))


def members(client: SigningClient, extra: str) -> bytes:
    """Good claims with more members behind them, as text that need not be good JSON."""
    return (json.dumps(client.claims())[:-1] + extra + "}").encode()


def unsigned(alg: object, client: SigningClient) -> str:
    parts = ({"alg": alg, "typ": "JWT"}, client.claims())
    encoded = (urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts)
    return ".".join(each.decode() for each in encoded) + "."


def without_signature(alg: object) -> Case:
    return lambda client: form_of(unsigned(alg, client))


def public_pem(client: SigningClient) -> bytes:
    return bytes(
        client.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def hmac_with_public_key(client: SigningClient) -> dict[str, str]:
    """HS256 with our public key as the secret; made by hand, since libraries refuse to."""
    head = urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": client.kid}).encode())
    body = urlsafe_b64encode(json.dumps(client.claims()).encode())
    signed = head.rstrip(b"=") + b"." + body.rstrip(b"=")
    tag = hmac.digest(public_pem(client), signed, hashlib.sha256)
    return form_of((signed + b"." + urlsafe_b64encode(tag).rstrip(b"=")).decode())


def of_other_key(client: SigningClient) -> dict[str, str]:
    key, _ = new_key_pair("other")
    return form_of(client.sign(client.claims(), key=key))


def with_rsa(client: SigningClient) -> dict[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    return form_of(client.sign(client.claims(), key=key, algorithm="RS256"))


def with_p384(client: SigningClient) -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP384R1())
    return form_of(client.sign(client.claims(), key=key, algorithm="ES384"))


def own_jwk(client: SigningClient) -> dict[str, str]:
    key, jwk = new_key_pair("mine")
    embedded = {"kty": jwk.kty, "crv": jwk.crv, "x": jwk.x, "y": jwk.y}
    return form_of(client.sign(client.claims(), key=key, jwk=embedded, kid="mine"))


def now(seconds: int) -> int:
    return int(time.time()) + seconds


def times(**offsets: int) -> Case:
    return lambda client: form_of(
        client.assertion(**{name: now(seconds) for name, seconds in offsets.items()})
    )


CASES: dict[str, tuple[Case, tuple[int, str]]] = {
    "B14-type-missing": (lambda c: {"client_assertion": c.assertion()}, MALFORMED),
    "B14-assertion-missing": (
        lambda _: {"client_assertion_type": ASSERTION_TYPE},
        MALFORMED,
    ),
    "B14-type-wrong": (
        lambda c: form_of(c.assertion()) | {"client_assertion_type": "jwt"},
        MALFORMED,
    ),
    "B14-type-saml": (
        lambda c: (
            form_of(c.assertion())
            | {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}
        ),
        MALFORMED,
    ),
    "B14-not-a-jwt": (lambda _: form_of("garbage"), REFUSED),
    "B14-two-parts": (lambda c: form_of(c.assertion().rpartition(".")[0]), REFUSED),
    "B14-five-parts": (lambda c: form_of(c.assertion() + ".a.b"), REFUSED),
    "B14-header-null": (lambda c: form_of("bnVsbA." + c.assertion().partition(".")[2]), REFUSED),
    "B14-header-list": (lambda c: form_of("W10." + c.assertion().partition(".")[2]), REFUSED),
    "B14-payload-null": (raw(lambda _: b"null"), REFUSED),
    "B14-payload-list": (raw(lambda _: b"[]"), REFUSED),
    "B14-payload-not-json": (raw(lambda _: b"{"), REFUSED),
    **{
        f"B15-without-{name}": (claims(**{name: ABSENT}), REFUSED)
        for name in ("iss", "sub", "aud", "exp", "jti")
    },
    "B15-iss-is-not-sub": (claims(iss="c_other"), REFUSED),
    "B15-unknown-client": (claims(iss="c_unknown", sub="c_unknown"), REFUSED),
    "B15-expired": (times(exp=-300, iat=-400), REFUSED),
    "B15-expired-now": (times(exp=0, iat=-60), REFUSED),
    "B15-empty-jti": (claims(jti=""), REFUSED),
    "B16-aud-token-endpoint": (
        lambda c: form_of(c.assertion(aud=c.tenant.token_endpoint)),
        REFUSED,
    ),
    "B16-aud-other-tenant": (lambda c: form_of(c.assertion(aud=c.tenant.issuer + "2")), REFUSED),
    "B16-aud-trailing-slash": (lambda c: form_of(c.assertion(aud=c.tenant.issuer + "/")), REFUSED),
    "B16-aud-upper-case": (lambda c: form_of(c.assertion(aud=c.tenant.issuer.upper())), REFUSED),
    "B16-aud-list-with-other": (
        lambda c: form_of(c.assertion(aud=[c.tenant.issuer, "https://o.example"])),
        REFUSED,
    ),
    "B16-aud-list-alone": (lambda c: form_of(c.assertion(aud=[c.tenant.issuer])), REFUSED),
    "B16-aud-empty-list": (claims(aud=[]), REFUSED),
    "B16-aud-number": (claims(aud=1), REFUSED),
    "B18-rs256": (with_rsa, REFUSED),
    "B18-es384": (with_p384, REFUSED),
    "B18-hs256-with-public-key": (hmac_with_public_key, REFUSED),
    "B18-other-key": (of_other_key, REFUSED),
    "B18-embedded-jwk": (own_jwk, REFUSED),
    "B18-jku": (header(jku="http://127.0.0.1:9/jwks"), REFUSED),
    "B18-x5u": (header(x5u="http://127.0.0.1:9/cert"), REFUSED),
    "B18-x5c": (header(x5c=["MIIB"]), REFUSED),
    "B18-kid-unknown": (header(kid="nobody's"), REFUSED),
    "B18-kid-path": (header(kid="../../../dev/null"), REFUSED),
    "B18-kid-sql": (header(kid="' OR 1=1 --"), REFUSED),
    **{
        f"D1-alg-{alg}": (without_signature(alg), REFUSED)
        for alg in ("none", "nOnE", None, "", "ES256")
    },
    **{
        f"D4-crit-{number}": (header(crit=crit), REFUSED)
        for number, crit in enumerate((["exp"], [], ["b64"], None, "x"))
    },
    "D7-typ-access-token": (header(typ="at+jwt"), REFUSED),
    "D7-typ-proof": (header(typ="dpop+jwt"), REFUSED),
    "D7-typ-introspection": (header(typ="token-introspection+jwt"), REFUSED),
    "D10-padding-appended": (lambda c: form_of(c.assertion() + "=="), REFUSED),
    "D10-signature-cut": (lambda c: form_of(c.assertion()[:-4]), REFUSED),
    "D10-signature-empty": (lambda c: form_of(c.assertion().rpartition(".")[0] + "."), REFUSED),
    "D11-duplicate-claim": (raw(lambda c: members(c, ',"aud":"x"')), REFUSED),
    "D11-duplicate-member-deep": (raw(lambda c: members(c, ',"x":{"a":1,"a":2}')), REFUSED),
    "D11-exp-text": (claims(exp="9999999999"), REFUSED),
    "D11-exp-bool": (claims(exp=True), REFUSED),
    "D11-exp-null": (claims(exp=None), REFUSED),
    "D11-exp-nan": (raw(lambda c: json.dumps(c.claims(exp=float("nan"))).encode()), REFUSED),
    "D11-exp-infinite": (raw(lambda c: members(c, ',"nbf":1e400')), REFUSED),
    "D11-lone-surrogate": (raw(lambda c: members(c, ',"x":"\\ud800"')), REFUSED),
    "D12-deep-json": (raw(lambda c: members(c, ',"x":' + "[" * 3000 + "]" * 3000)), REFUSED),
    "D13-too-long": (claims(filler="x" * 9000), REFUSED),
    "B19-client-id-differs": (lambda c: form_of(c.assertion(), client_id="c_other"), REFUSED),
    "B20-iat-ahead": (times(iat=90, exp=150), REFUSED),
    "B20-nbf-ahead": (times(nbf=90), REFUSED),
    "B20-lifetime-too-long": (times(exp=600), REFUSED),
    "B20-lifetime-too-long-without-iat": (
        lambda c: form_of(c.assertion(exp=now(3600), iat=ABSENT)),
        REFUSED,
    ),
    "B7-with-a-secret": (lambda c: form_of(c.assertion(), client_secret="s"), MALFORMED),
    "B11-secret-for-a-signing-client": (
        lambda c: {"client_id": c.client_id, "client_secret": "as_cs_x"},
        REFUSED,
    ),
}

TAKEN: dict[str, Case] = {
    "B15-good": claims(),
    "B19-client-id-equal": lambda c: form_of(c.assertion(), client_id=c.client_id),
    "B20-iat-8-ahead": times(iat=8, exp=60),
    "B20-nbf-8-ahead": times(nbf=8),
    "B15-without-iat": claims(iat=ABSENT),
    "B15-typ-absent": header(typ=ABSENT),
    "B15-typ-of-rfc7523bis": header(typ="client-authentication+jwt"),
    "B15-kid-absent": header(kid=ABSENT),
    "B15-float-times": lambda c: form_of(c.assertion(exp=now(30) + 0.5, iat=now(0) - 0.5)),
    "C7-more-claims": claims(more={"a": [1, 2]}),
}
