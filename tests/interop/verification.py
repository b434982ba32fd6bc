"""How an API verifies a token with other people's libraries: from the issuer URL to the claims."""

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from tests.interop.issuers import LiveIssuer, read_json

with warnings.catch_warnings():  # deprecated by its authors, and still what much code calls
    warnings.simplefilter("ignore", DeprecationWarning)
    from authlib.jose import JsonWebKey, JsonWebToken

Claims: TypeAlias = dict[str, Any]
Verifier: TypeAlias = Callable[[str, LiveIssuer], Claims]


class WrongType(Exception):
    """The token's `typ` is another than the API expects."""


def verify_with_pyjwt(token: str, live: LiveIssuer) -> Claims:
    """Verify as PyJWT's guide does; its agent is Python-urllib, which some servers turn away."""
    key = jwt.PyJWKClient(_jwks_uri(live)).get_signing_key_from_jwt(token)
    decoded = jwt.decode_complete(
        token,
        key,
        algorithms=[live.algorithm],
        audience=live.audience,
        issuer=live.issuer,
        options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]},
    )
    _check_type(decoded["header"], live)
    claims: Claims = decoded["payload"]
    return claims


def verify_with_joserfc(token: str, live: LiveIssuer) -> Claims:
    with warnings.catch_warnings():  # it finds that EdDSA should be named Ed25519 (RFC 9864)
        warnings.simplefilter("ignore", SecurityWarning)
        decoded = joserfc_jwt.decode(token, joserfc_keys(live), algorithms=[live.algorithm])
    _check_type(decoded.header, live)
    JWTClaimsRegistry(
        iss={"essential": True, "value": live.issuer},
        aud={"essential": True, "value": live.audience},
        sub={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
    ).validate(decoded.claims)
    return decoded.claims


def verify_with_authlib(token: str, live: LiveIssuer) -> Claims:
    keys = JsonWebKey.import_key_set(read_json(_jwks_uri(live)))
    claims = JsonWebToken([live.algorithm]).decode(
        token,
        keys,
        claims_options={
            "iss": {"essential": True, "value": live.issuer},
            "aud": {"essential": True, "value": live.audience},
        },
    )
    claims.validate()
    _check_type(claims.header, live)
    return dict(claims)


def joserfc_keys(live: LiveIssuer) -> KeySet:
    return KeySet.import_key_set(read_json(_jwks_uri(live)))


def _jwks_uri(live: LiveIssuer) -> str:
    """Discover the key set as an API does that is given the issuer and nothing else."""
    document = read_json(live.openid_configuration)
    assert document["issuer"] == live.issuer
    jwks_uri: str = document["jwks_uri"]
    return jwks_uri


def _check_type(header: Claims, live: LiveIssuer) -> None:
    if header["typ"] != live.typ:
        raise WrongType
