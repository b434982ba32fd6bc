"""POST {issuer}/oauth/token, RFC 6749 section 3.2.

A service sends the same bytes each time: its credentials are recognised, and what was decided on
the form stands in a template (protocol/proved.py). What is left for each token is its limits, its
proof of a key, its id and time, the signature and the record. Where all of that is at hand, the
request is served by lane_token.py instead, which waits for the record alone.
"""

import msgspec

from data_plane.handlers.answer import Answer, bytes_answer, nonce_header
from data_plane.handlers.asked import Asked, prove, read_post_body, recall, remember
from data_plane.handlers.dpop import fresh_nonce, proven_key
from data_plane.handlers.given import Given
from data_plane.ports import IssuedToken
from data_plane.protocol.access_token import TokenTemplate, template_of
from data_plane.protocol.client_authentication import check_one_way
from data_plane.protocol.grants import client_credentials
from data_plane.protocol.proved import ProvedClient
from data_plane.protocol.request_gate import read_form
from data_plane.protocol.served_issuer import ServedIssuer
from data_plane.protocol.token_request import read_token_request
from shared.domain.client import Client
from shared.domain.jws import OpenedKey, compact


async def token(asked: Asked, given: Given) -> Answer:
    issuer = asked.issuer
    body = await read_post_body(asked)
    form = given.keyed_hash(body)
    proved = await _authenticated(asked, body, form, given)
    given.readiness.check_recent()
    admission = await given.limits.admit(issuer, proved.client)
    template = proved.templates.get(form) or _decided(asked, proved, body, form)
    jkt = await proven_key(asked, proved.client, given)
    key = given.signer.key(issuer, template.algorithm, template.profile)
    token = draft(key, template, given, jkt)
    signature = key.sign(token.signing_input)
    record, answer = issued(token, signature, issuer, proved.client, template, jkt)
    await given.ledger.record(record)
    if jkt is None:
        return bytes_answer(answer, admission.headers)
    return bytes_answer(answer, (*admission.headers, nonce_header(fresh_nonce(asked, given))))


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A token that lacks its signature."""

    jti: bytes
    signing_input: bytes  # RFC 7515 section 5.1


def draft(key: OpenedKey, template: TokenTemplate, given: Given, jkt: str | None = None) -> Draft:
    jti = given.new_token_id()
    return Draft(jti, key.header + template.payload(given.clock(), jti, jkt))


def issued(
    token: Draft,
    signature: bytes,
    issuer: ServedIssuer,
    client: Client,
    template: TokenTemplate,
    jkt: str | None = None,
) -> tuple[IssuedToken, bytes]:
    """Give a token's record, and the answer that may go out once that is kept."""
    record = IssuedToken(
        tenant=issuer.tenant_id,
        account=issuer.snapshot.account_id,
        client_id=client.client_id,
        api=template.api,
        jti=token.jti,
        lifetime=template.lifetime,
    )
    return record, template.response(compact(token.signing_input, signature), jkt)


async def _authenticated(asked: Asked, body: bytes, form: bytes, given: Given) -> ProvedClient:
    """Recognise the client by its header or, where that has none, by its form; or have it prove."""
    authorization = asked.head.authorization
    presented = form if authorization is None else given.keyed_hash(authorization)
    proved = recall(presented, asked, given)
    if proved is None:
        proved = await prove(asked, read_form(body), given)
        remember(presented, proved, asked)
    return proved


def _decided(asked: Asked, proved: ProvedClient, body: bytes, form: bytes) -> TokenTemplate:
    """Decide on this form (RFC 6749 section 4.4), and remember that for its next time."""
    read = read_form(body)
    if asked.head.authorization is not None:
        check_one_way(proved.client.client_id, read)
    issue = client_credentials.decide(read_token_request(read), proved.client)
    template = template_of(issue, asked.issuer.issuer)
    proved.remember(form, template)
    return template
