"""The lane for GET and HEAD of an issuer's public documents.

A reader sends the same octets each time. Kept of them is which document is asked for, and which
version of it the reader holds (If-None-Match); the document itself is the issuer's present one.
"""

import time
from functools import partial

import msgspec

from data_plane.handlers.documents import serve
from data_plane.handlers.given import Given
from data_plane.handlers.lane_answer import Taken, send, tell
from data_plane.handlers.lane_known import KnownRequests
from data_plane.handlers.mount import DOCUMENTS
from data_plane.handlers.telling import Telling
from data_plane.protocol.errors import OAuthError
from data_plane.protocol.request_gate import read_head
from shared.runtime.http1_request import Answering, Request

_METHODS = frozenset({b"GET", b"HEAD"})
_MAXIMUM_ETAGS = 256  # bytes of what the reader holds
# a body, or word of one: that is read with more care
_UNUSUAL = frozenset({b"content-length", b"expect", b"transfer-encoding"})


class _Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    slug: str
    endpoint: str
    method: str
    if_none_match: bytes | None


class DocumentLane:
    def __init__(self, given: Given, telling: Telling, known: KnownRequests) -> None:
        self._given = given
        self._telling = telling
        self._known = known

    def take(self, request: Request, slug: str, endpoint: str, connection: Answering) -> bool:
        if request.method not in _METHODS or not _UNUSUAL.isdisjoint(dict(request.headers)):
            return False
        try:
            head = read_head(request.headers)
        except OAuthError:
            return False
        if len(head.if_none_match or b"") > _MAXIMUM_ETAGS:
            return False
        asked = _Asked(
            slug=slug,
            endpoint=endpoint,
            method=request.method.decode(),
            if_none_match=head.if_none_match,
        )
        if not self._serve(asked, connection):
            return False
        self._known.remember(request, partial(self._serve, asked))
        return True

    def _serve(self, asked: _Asked, connection: Answering) -> bool:
        started = time.perf_counter()
        issuer = self._given.issuers.at_hand(asked.slug)
        if issuer is None:
            return False
        try:
            answer = serve(DOCUMENTS[asked.endpoint], issuer, asked.method, asked.if_none_match)
        except OAuthError:  # it is there no more
            return False
        request_id = self._given.new_request_id()
        whole = asked.method != "HEAD"
        send(connection, answer, request_id, whole=whole)
        taken = Taken(
            connection=connection,
            issuer=issuer,
            endpoint=asked.endpoint,
            method=asked.method,
            request_id=request_id,
            started=started,
        )
        tell(self._telling, taken, answer.status, answer.error)
        return True
