"""Revocation by whoever manages a tenant: which management token may, and what it asks for.

A management token is an access token of the built-in tenant `system`, presented as a bearer token
(RFC 6750 section 2.1). Whose it is, the client says that it was issued to: an API key that is
disabled or deleted is dead at once.
"""

import re

import msgspec

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.errors import (
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    NotFound,
    TokenMissing,
)
from data_plane.protocol.request_gate import Form
from data_plane.protocol.revocation import DenySet, Revocation, RevocationKind
from shared.domain.client import MAXIMUM_TOKEN_LIFETIME, Client
from shared.domain.management import REVOKE_TOKENS, KeyClaims

_BEARER = re.compile(rb"bearer +(?P<token>[A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_TOKEN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,200}")
_WHAT = ("jti", "client_id", "everything")

_INVALID = "the management token does not count here"

_decode_claims = msgspec.json.Decoder(KeyClaims).decode


def read_bearer(authorization: bytes | None) -> str:
    """Find the token in the header, section 2.1; another scheme is none of ours."""
    scheme = (authorization or b"").partition(b" ")[0].lower()
    if authorization is None or scheme != b"bearer":
        raise TokenMissing("a management token, or a signature, is required")
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise InvalidRequest("the Authorization header is malformed")
    return match["token"].decode()


def check_token(
    claims: AccessTokenClaims | None, revoked: DenySet, audience: str, *, now: int
) -> AccessTokenClaims:
    """Take a token that `system` has signed, or None for any other text; `revoked` is its too."""
    if claims is None or claims.exp <= now or revoked.denies(claims):
        raise InvalidToken(_INVALID)
    bound = claims.cnf is not msgspec.UNSET  # no bearer's, RFC 9449 section 7.1
    if audience not in claims.audience or bound:
        raise InvalidToken(_INVALID)
    return claims


def check_may_revoke(
    claims: AccessTokenClaims, key: Client | None, account: str, slug: str
) -> None:
    """Refuse the key of an account that neither has this tenant nor runs the installation.

    To it the tenant is not there: it need not learn which slugs others have. So it is to a key
    that is for other tenants of the account.
    """
    own = _claims_of(key)
    if REVOKE_TOKENS not in claims.scope.split(" "):
        raise InsufficientScope("the management token lacks the scope revoke:tokens")
    if not own.covers(account, slug):
        raise NotFound("there is nothing here")


def read_revocation(form: Form, *, now: int) -> Revocation:
    """Read which of the three is asked for; nothing that it refuses lives longer than a day."""
    asked = [(name, value) for name in _WHAT if (value := form.get(name)) is not None]
    match asked:
        case [("jti", jti)] if _TOKEN_ID.fullmatch(jti):
            return _until_now(RevocationKind.TOKEN, jti, now)
        case [("client_id", client_id)] if _CLIENT_ID.fullmatch(client_id):
            return _until_now(RevocationKind.CLIENT, client_id, now)
        case [("everything", "true")]:
            return _until_now(RevocationKind.TENANT, "", now)
        case _:
            raise InvalidRequest("give exactly one of jti, client_id and everything=true")


def _claims_of(key: Client | None) -> KeyClaims:
    if key is None or not key.enabled:
        raise InvalidToken(_INVALID)
    try:
        own = _decode_claims(key.claims)
    except msgspec.MsgspecError:
        raise InvalidToken(_INVALID) from None
    if not own.account:
        raise InvalidToken(_INVALID)
    return own


def _until_now(kind: RevocationKind, subject: str, now: int) -> Revocation:
    return Revocation(
        kind=kind, subject=subject, not_before=now, expires_at=now + MAXIMUM_TOKEN_LIFETIME
    )
