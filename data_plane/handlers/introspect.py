"""POST {issuer}/oauth/introspect, RFC 7662 section 2; answered by a JWT on request, RFC 9701."""

import msgspec

from data_plane.handlers.answer import Answer, json_answer, jwt_answer
from data_plane.handlers.asked import Asked, authenticated_client, read_post
from data_plane.handlers.given import Given
from data_plane.protocol.introspection import introspect as decide
from data_plane.protocol.signed_introspection import (
    INTROSPECTION_ALGORITHM,
    MEDIA_TYPE,
    TYP,
    IntrospectionToken,
    wants_jwt,
)
from shared.domain.jws import base64url


async def introspect(asked: Asked, given: Given) -> Answer:
    form = await read_post(asked)
    caller = await authenticated_client(asked, form, given)
    issuer, now = asked.issuer, given.clock()
    claims = given.signer.verify(form.required("token"), issuer)
    found = decide(claims, caller, issuer.revoked, now=now)
    given.usage.count(issuer.tenant_id, caller.client_id, "", "introspected")
    if not wants_jwt(asked.headers):
        return json_answer(found)
    answer = IntrospectionToken(
        iss=issuer.issuer, aud=caller.client_id, iat=now, token_introspection=found
    )
    payload = base64url(msgspec.json.encode(answer))
    key = given.signer.key(issuer, INTROSPECTION_ALGORITHM, TYP)
    return jwt_answer(MEDIA_TYPE, key.signed(payload))
