"""JWTs as client assertions, RFC 7523 section 3, and RFC 7521 section 4.2.

A client signs its own (`private_key_jwt`), or presents one that an outside issuer has signed for
the workload it runs as. Nothing here is verified against a key: that is the caller's next step.
"""

import msgspec

from data_plane.protocol.errors import InvalidClient, InvalidRequest
from data_plane.protocol.once import Kind, Once, once
from data_plane.protocol.request_gate import Form
from shared.domain.client import Client
from shared.domain.ids import ClientId
from shared.domain.jws import Jws, MalformedJws, read_json, read_jws

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_SKEW = 60  # seconds that another's clock may be ahead of ours
_MAXIMUM_LIFETIME = 300  # seconds; a client's own assertion is made for one request
_LEGACY_LIFETIME = 3600  # seconds; what older libraries set, with the token endpoint as `aud`
_TYPES = frozenset({None, "jwt", "jose", "client-authentication+jwt"})

_FAILED = "client authentication failed"


class AssertionHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A key never comes with the token that it is to verify (RFC 8725 section 3.10)."""

    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: msgspec.UnsetType = msgspec.UNSET
    b64: msgspec.UnsetType = msgspec.UNSET
    enc: msgspec.UnsetType = msgspec.UNSET
    zip: msgspec.UnsetType = msgspec.UNSET
    jwk: msgspec.UnsetType = msgspec.UNSET
    jku: msgspec.UnsetType = msgspec.UNSET
    x5u: msgspec.UnsetType = msgspec.UNSET
    x5c: msgspec.UnsetType = msgspec.UNSET


class AssertionClaims(msgspec.Struct, frozen=True, kw_only=True):
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: int | float
    nbf: int | float | None = None
    iat: int | float | None = None
    jti: str | None = None


class PresentedAssertion(msgspec.Struct, frozen=True, kw_only=True):
    client_id: ClientId | None  # the parameter
    jws: Jws[AssertionHeader]
    claims: AssertionClaims

    @property
    def is_own(self) -> bool:
        """Tell whether a client speaks for itself; else an outside issuer speaks for it."""
        return self.claims.iss == self.claims.sub

    def __repr__(self) -> str:
        return f"PresentedAssertion({self.client_id!r})"


def read_assertion(form: Form) -> PresentedAssertion | None:
    """Read the assertion of a request; None where it has none."""
    assertion, its_type = form.get("client_assertion"), form.get("client_assertion_type")
    if assertion is None and its_type is None:
        return None
    if assertion is None or its_type != ASSERTION_TYPE:
        raise InvalidRequest("client_assertion and its type must both be given, for a JWT")
    client_id = form.get("client_id")
    try:
        jws = read_jws(assertion, AssertionHeader)
        claims = read_json(jws.payload, AssertionClaims)
    except MalformedJws:
        raise InvalidClient(_FAILED) from None
    typ = jws.header.typ
    if (typ if typ is None else typ.lower().removeprefix("application/")) not in _TYPES:
        raise InvalidClient(_FAILED)  # a token of another kind (RFC 8725 section 3.11)
    return PresentedAssertion(
        client_id=None if client_id is None else ClientId(client_id), jws=jws, claims=claims
    )


def own_client_id(presented: PresentedAssertion) -> ClientId:
    """Give the client that the assertion names as its issuer and subject (section 3, 1 and 2)."""
    subject = ClientId(presented.claims.sub)
    if presented.client_id not in {None, subject}:
        raise InvalidClient(_FAILED)
    return subject


def check_own_claims(
    claims: AssertionClaims, client: Client, issuer: str, token_endpoint: str, *, now: int
) -> Once:
    """Check an assertion that the client's key has signed; give what it must be spent as.

    The audience is the issuer alone, as one string: an assertion that is meant for somebody else
    too could be replayed here by them (draft-ietf-oauth-rfc7523bis section 4).
    """
    legacy = client.legacy_assertions
    audiences = {issuer, token_endpoint} if legacy else {issuer}
    if not isinstance(claims.aud, str) or claims.aud not in audiences:
        raise InvalidClient(_FAILED)
    check_times(claims, now=now)
    longest = _LEGACY_LIFETIME if legacy else _MAXIMUM_LIFETIME
    issued_at = now if claims.iat is None else claims.iat
    if claims.exp - issued_at > longest or claims.exp - now > longest + _SKEW or not claims.jti:
        raise InvalidClient(_FAILED)
    expires_at = int(claims.exp) + 1
    return once(Kind.ASSERTION, client.client_id, claims.jti, expires_at=expires_at)


def check_times(claims: AssertionClaims, *, now: int) -> None:
    """Section 3, 4 to 6: it has not expired, and is not of the future."""
    begins = max(claims.nbf or 0, claims.iat or 0)
    if claims.exp <= now or begins > now + _SKEW:
        raise InvalidClient(_FAILED)
