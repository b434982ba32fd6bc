"""POST {issuer}/oauth/revoke, RFC 7009 section 2."""

from data_plane.handlers.answer import Answer, empty_answer
from data_plane.handlers.asked import Asked, authenticated_client, read_post
from data_plane.handlers.given import Given
from data_plane.protocol.revocation import Revocation, decide


async def revoke(asked: Asked, given: Given) -> Answer:
    issuer = asked.issuer
    form = await read_post(asked)
    client = await authenticated_client(asked, form, given)
    claims = given.signer.verify(form.required("token"), issuer)
    decision = decide(claims, client, now=given.clock())
    if isinstance(decision, Revocation):
        await given.revocations.add(issuer.tenant_id, decision)
        issuer.revoked.add(decision)  # this worker knows at once, the others hear of it
    return empty_answer()
