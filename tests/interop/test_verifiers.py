"""APIs that verify our tokens: PyJWT, joserfc and Authlib, from nothing but the issuer URL."""

import jwt
import pytest
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.errors import InvalidClaimError, InvalidKeyIdError
from msgspec.structs import replace

from tests.interop.issuers import LiveIssuer, fetch_token
from tests.interop.verification import (
    Claims,
    Verifier,
    joserfc_keys,
    verify_with_authlib,
    verify_with_joserfc,
    verify_with_pyjwt,
)


@pytest.mark.parametrize(
    "verify",
    [
        pytest.param(verify_with_pyjwt, id="PyJWT"),
        pytest.param(verify_with_joserfc, id="joserfc"),
        pytest.param(verify_with_authlib, id="authlib.jose"),
    ],
)
def test_a_library_verifies_a_token_from_the_issuer_url_alone(
    verify: Verifier, live: LiveIssuer
) -> None:
    claims = verify(fetch_token(live), live)
    assert claims["sub"] == claims["client_id"] == claims["azp"] == live.client_id
    assert set(claims["scope"].split()) == {"read", "write"}
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize(
    ("verify", "refusal"),
    [
        pytest.param(verify_with_pyjwt, jwt.InvalidAudienceError, id="PyJWT"),
        pytest.param(verify_with_joserfc, InvalidClaimError, id="joserfc"),
        pytest.param(verify_with_authlib, AuthlibBaseError, id="authlib.jose"),
    ],
)
def test_a_library_refuses_a_token_for_another_api(
    verify: Verifier, refusal: type[Exception], default: LiveIssuer
) -> None:
    another_api = replace(default.tenant, audience="https://else.example")
    with pytest.raises(refusal, match=r"(?i)aud"):
        verify(fetch_token(default), replace(default, tenant=another_api))


@pytest.mark.parametrize(
    ("verify", "refusal"),
    [
        pytest.param(verify_with_pyjwt, jwt.PyJWKClientError, id="PyJWT"),
        pytest.param(verify_with_joserfc, InvalidKeyIdError, id="joserfc"),
        pytest.param(verify_with_authlib, ValueError, id="authlib.jose"),
    ],
)
def test_a_library_finds_no_key_for_another_tenants_token(
    verify: Verifier, refusal: type[Exception], issuers: dict[str, LiveIssuer]
) -> None:
    ours, theirs = issuers["ES256"], issuers["typ-JWT"]  # the algorithm is the same
    with pytest.raises(refusal):
        verify(fetch_token(theirs), ours)


@pytest.mark.parametrize("strict", ["ES256", "RS256"])
def test_authlibs_strict_validator_takes_a_token_of_rfc_9068(
    issuers: dict[str, LiveIssuer], strict: str
) -> None:
    live = issuers[strict]
    validator = _validator(live)
    claims = _authenticate(validator, fetch_token(live))
    validator.validate_token(claims, ["read"], None)
    assert claims["client_id"] == live.client_id


def test_authlibs_strict_validator_leaves_eddsa_to_those_who_allow_it(
    issuers: dict[str, LiveIssuer],
) -> None:
    """RFC 9864 deprecates the name `EdDSA`; joserfc, below Authlib, takes it only when told to."""
    live = issuers["EdDSA"]
    with pytest.raises(InvalidTokenError):
        _authenticate(_validator(live), fetch_token(live))


def test_authlibs_strict_validator_refuses_the_other_profile(
    issuers: dict[str, LiveIssuer],
) -> None:
    live = issuers["typ-JWT"]
    validator = _validator(live)
    claims = _authenticate(validator, fetch_token(live))
    with pytest.raises(InvalidTokenError):
        validator.validate_token(claims, ["read"], None)


def _validator(live: LiveIssuer) -> JWTBearerTokenValidator:
    validator = JWTBearerTokenValidator(live.issuer, live.audience)
    validator.get_jwks = lambda: joserfc_keys(live)  # its documentation has one override it
    return validator


def _authenticate(validator: JWTBearerTokenValidator, token: str) -> Claims:
    claims: Claims = validator.authenticate_token(token)
    return claims
