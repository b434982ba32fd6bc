"""The door to the issuers' endpoints: a raw ASGI application.

An ordinary handler serves a third of the tokens a second (decision 0005). So the path is matched
here, and each endpoint gets the bytes as they came.
"""

import re
import time
from collections.abc import Collection, Mapping

from litestar.types import HTTPScope, Receive, Send

from data_plane.handlers.admin import admin_revoke
from data_plane.handlers.answer import WITHOUT_LENGTH, Answer, Header, error_answer
from data_plane.handlers.asked import Asked, Endpoint
from data_plane.handlers.documents import JWKS, METADATA, REVOCATIONS, PublicDocument, serve
from data_plane.handlers.given import Given
from data_plane.handlers.introspect import introspect
from data_plane.handlers.patience import Patience
from data_plane.handlers.revoke import revoke
from data_plane.handlers.telling import Telling
from data_plane.handlers.token import token
from data_plane.protocol.errors import NotFound, OAuthError
from data_plane.protocol.request_gate import read_head
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.client_address import client_address
from shared.domain.issuer import SLUG_PATTERN
from shared.domain.outbound_url import Network
from shared.runtime.request_log import RequestLine

_ENDPOINTS: Mapping[str, Endpoint] = {
    "oauth/token": token,
    "oauth/introspect": introspect,
    "oauth/revoke": revoke,
    "admin/revoke": admin_revoke,
}
DOCUMENTS: Mapping[str, PublicDocument] = {
    ".well-known/jwks.json": JWKS,
    ".well-known/revocations": REVOCATIONS,
    ".well-known/openid-configuration": METADATA,
    ".well-known/oauth-authorization-server": METADATA,
}
NAMES = (*_ENDPOINTS, *DOCUMENTS)  # below an issuer
PATHS = re.compile(
    rf"/t/(?P<slug>{SLUG_PATTERN})/(?P<endpoint>{'|'.join(map(re.escape, NAMES))})"
    # both names inserted before the path, RFC 8414 section 3.1
    rf"|/\.well-known/(?:openid-configuration|oauth-authorization-server)/t/(?P<of>{SLUG_PATTERN})"
)
_NOT_FOUND = NotFound("there is nothing here")


class IssuersMount:
    """The ASGI application; one for each worker."""

    def __init__(
        self,
        given: Given,
        telling: Telling,
        hosts: Collection[str],
        proxies: Collection[Network],
    ) -> None:
        """`hosts` are the server's own names; `proxies` may say whose a request is."""
        self._given = given
        self._hosts = hosts
        self._proxies = proxies
        self._telling = telling
        self._patience = Patience()

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = self._given.new_request_id()
        slug, name = read_path(scope.get("raw_path") or b"")
        issuer: ServedIssuer | None = None
        asked: Asked | None = None
        try:
            issuer = await self._given.issuers.get(slug) if slug else None
            if issuer is None:
                raise _NOT_FOUND
            if name in DOCUMENTS:
                head = read_head(list(scope["headers"]))
                answer = serve(DOCUMENTS[name], issuer, scope["method"], head.if_none_match)
            else:
                asked = self._read(scope, receive, issuer)
                answer = await _ENDPOINTS[name](asked, self._given)
        except OAuthError as refused:
            error = refused.without_traceback()
            answer = error_answer(error, realm=issuer.issuer if issuer else "")
            if asked is not None and issuer is not None:
                self._telling.refused(
                    issuer.tenant_id, asked.client_id, asked.address, name, error, request_id
                )
        await _send(send, answer, scope["method"], request_id)
        seconds = time.perf_counter() - started
        self._telling.answered(
            RequestLine(
                request_id=request_id,
                endpoint=name,
                slug=slug,
                method=scope["method"],
                status=answer.status,
                error=answer.error,
                client_id=asked.client_id if asked else "",
                trace_id=asked.head.trace_id if asked else "",
                ms=round(seconds * 1000, 3),
            ),
            seconds,
            None if issuer is None else issuer.tenant_id,
        )

    def _read(self, scope: HTTPScope, receive: Receive, issuer: ServedIssuer) -> Asked:
        headers = list(scope["headers"])
        return Asked(
            method=scope["method"],
            query=scope["query_string"],
            headers=headers,
            head=read_head(headers),
            hosts=self._hosts,
            receive=receive,
            patience=self._patience,
            address=client_address(_peer(scope), headers, self._proxies),
            issuer=issuer,
        )


def _peer(scope: HTTPScope) -> str | None:
    return scope["client"][0] if scope["client"] else None


def read_path(target: bytes) -> tuple[str, str]:
    """Give the slug and the endpoint; two empty strings where there is no such path.

    The path is read as it came: no normalisation makes `//t/acme` or `/t/%61cme` an issuer.
    """
    match = PATHS.fullmatch(target.partition(b"?")[0].decode("latin-1"))
    if match is None:
        return "", "unknown"
    slug, endpoint, of = match.groups()
    if of:
        return of, ".well-known/openid-configuration"
    return slug, endpoint


async def _send(send: Send, answer: Answer, method: str, request_id: str) -> None:
    headers: list[Header] = [*answer.headers, (b"x-request-id", request_id.encode())]
    if answer.status not in WITHOUT_LENGTH:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body, "more_body": False})
