"""POST {issuer}/oauth/introspect, RFC 7662 section 2; answered by a JWT on request, RFC 9701.

A plain question of a client that has proved itself is answered by lane_introspect.py instead.
"""

import msgspec

from data_plane.handlers.answer import Answer, json_answer, jwt_answer
from data_plane.handlers.asked import Asked, authenticated_client, read_post
from data_plane.handlers.given import Given
from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.introspection import IntrospectionResponse
from data_plane.protocol.introspection import introspect as decide
from data_plane.protocol.served_issuer import ServedIssuer
from data_plane.protocol.signed_introspection import (
    INTROSPECTION_ALGORITHM,
    MEDIA_TYPE,
    TYP,
    IntrospectionToken,
    wants_jwt,
)
from shared.domain.client import Client
from shared.domain.jws import base64url


async def introspect(asked: Asked, given: Given) -> Answer:
    form = await read_post(asked)
    caller = await authenticated_client(asked, form, given)
    issuer, now, token = asked.issuer, given.clock(), form.required("token")
    claims = verified(token, given.keyed_hash(token.encode()), issuer, given)
    found = answer_about(claims, caller, issuer, given, now)
    if not wants_jwt(asked.headers):
        return json_answer(found)
    answer = IntrospectionToken(
        iss=issuer.issuer, aud=caller.client_id, iat=now, token_introspection=found
    )
    payload = base64url(msgspec.json.encode(answer))
    key = given.signer.key(issuer, INTROSPECTION_ALGORITHM, TYP)
    return jwt_answer(MEDIA_TYPE, key.signed(payload))


def verified(
    token: str, name: bytes, issuer: ServedIssuer, given: Given
) -> AccessTokenClaims | None:
    """Give the claims of a token that this issuer signed, by the name of its text where known."""
    claims = given.verified.get(name, issuer)
    if claims is None:
        claims = given.signer.verify(token, issuer)
        if claims is not None:
            given.verified.remember(name, issuer, claims)
    return claims


def answer_about(
    claims: AccessTokenClaims | None, caller: Client, issuer: ServedIssuer, given: Given, now: int
) -> IntrospectionResponse:
    """Decide what the caller hears of it now, and count that it has asked."""
    found = decide(claims, caller, issuer.revoked, now=now)
    given.usage.count(issuer.tenant_id, caller.client_id, "", "introspected")
    return found
