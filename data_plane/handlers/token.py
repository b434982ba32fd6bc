"""POST {issuer}/oauth/token, RFC 6749 section 3.2."""

from data_plane.handlers.answer import Answer, json_answer, nonce_header
from data_plane.handlers.asked import Asked, authenticated_client, read_post
from data_plane.handlers.dpop import fresh_nonce, proven_key
from data_plane.ports import Given, IssuedToken
from data_plane.protocol.access_token import Issuance, TokenResponse, access_token_claims
from data_plane.protocol.grants import client_credentials
from data_plane.protocol.token_request import read_token_request
from shared.domain.ids import uuid_text


async def token(asked: Asked, given: Given) -> Answer:
    issuer = asked.issuer
    head, form = await read_post(asked)
    client = await authenticated_client(asked, head, form, given)
    issue = client_credentials.decide(read_token_request(form), client)
    jkt = await proven_key(asked, client, given)
    jti = given.new_token_id()
    this = Issuance(issuer=issuer.issuer, now=given.clock(), jti=uuid_text(jti), jkt=jkt)
    claims = access_token_claims(issue, this)
    access_token = given.signer.sign(claims, issuer, issue.algorithm, issue.profile, client.claims)
    await given.ledger.record(
        IssuedToken(
            tenant=issuer.tenant_id,
            account=issuer.snapshot.account_id,
            client_id=client.client_id,
            api=issue.audience[0],
            jti=jti,
            lifetime=issue.lifetime,
        )
    )
    answer = TokenResponse(
        access_token=access_token,
        expires_in=issue.lifetime,
        scope=claims.scope,
        token_type=claims.token_type,
    )
    if jkt is None:
        return json_answer(answer)
    return json_answer(answer, nonce_header(fresh_nonce(asked, given)))
