"""POST {issuer}/admin/revoke: a token, a client's tokens or all of them, by who manages the tenant.

The one who asks shows a management token, or signs the request with an operator's key. A suspended
tenant's tokens can still be revoked. The parameter `reason` is for the caller's own records.
"""

import logging

from data_plane.handlers.answer import Answer, json_answer
from data_plane.handlers.asked import Asked, read_post_body
from data_plane.handlers.given import Given
from data_plane.protocol.admin_revocation import (
    check_may_revoke,
    check_token,
    read_bearer,
    read_revocation,
)
from data_plane.protocol.errors import InvalidRequest, InvalidToken, NotFound
from data_plane.protocol.request_gate import read_form
from data_plane.protocol.request_signature import PresentedRequest, accept_once, replayed
from shared.domain.management import SYSTEM_SLUG
from shared.domain.snapshot import TenantStatus
from shared.runtime.logs import fields

_log = logging.getLogger("data_plane")

_PATH = "/admin/revoke"
_SIGNATURE = (b"signature", b"signature-input")


async def admin_revoke(asked: Asked, given: Given) -> Answer:
    issuer = asked.issuer
    body = await read_post_body(asked)
    form = read_form(body)
    if issuer.status is TenantStatus.DELETED:
        raise NotFound("there is nothing here")
    by = await _authorised(asked, body, given)
    revocation = read_revocation(form, now=given.clock())
    await given.revocations.add(issuer.tenant_id, revocation)
    issuer.revoked.add(revocation)  # this worker knows at once, the others hear of it
    _log.info("revoked", extra=fields(slug=issuer.snapshot.slug, by=by, kind=revocation.kind))
    return json_answer(revocation)


async def _authorised(asked: Asked, body: bytes, given: Given) -> str:
    """Tell which key may do this: the client_id of an API key, or the kid of an operator's."""
    if all(asked.header(name) is None for name in _SIGNATURE):
        return await _by_token(asked, given)
    if asked.head.authorization is not None:
        raise InvalidRequest("give a management token or a signature, not both")
    return await _by_signature(asked, body, given)


async def _by_token(asked: Asked, given: Given) -> str:
    token = read_bearer(asked.head.authorization)
    system = await given.issuers.get(SYSTEM_SLUG)
    if system is None:
        raise InvalidToken("there are no management tokens here yet")
    claims = check_token(
        given.signer.verify(token, system),
        system.revoked,
        given.management_audience,
        now=given.clock(),
    )
    key = await given.clients.get(system, claims.client_id)
    snapshot = asked.issuer.snapshot
    check_may_revoke(claims, key, snapshot.account_id, snapshot.slug)
    return claims.client_id


async def _by_signature(asked: Asked, body: bytes, given: Given) -> str:
    presented = PresentedRequest(
        method=asked.method,
        target_uri=asked.issuer.issuer + _PATH,
        headers=tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in asked.headers
        ),
        body=body,
    )
    keyid, once = accept_once(given.signed_requests.verify(presented), now=given.clock())
    if not await given.replays.spend(asked.issuer.tenant_id, once):
        raise replayed()
    return keyid
