"""POST {issuer}/oauth/introspect, RFC 7662 section 2."""

from data_plane.handlers.answer import Answer, json_answer
from data_plane.handlers.asked import Asked, authenticated_client, read_post
from data_plane.ports import Given
from data_plane.protocol.introspection import introspect as decide


async def introspect(asked: Asked, given: Given) -> Answer:
    head, form = await read_post(asked)
    caller = await authenticated_client(asked, head, form, given)
    claims = given.signer.verify(form.required("token"), asked.issuer)
    return json_answer(decide(claims, caller, asked.issuer.revoked, now=given.clock()))
