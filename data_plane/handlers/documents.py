"""GET of an issuer's public documents: key set (RFC 7517), metadata (RFC 8414), deny feed.

They are asked for more often than anything else and need nothing of a request but its head.
"""

from collections.abc import Callable
from typing import TypeAlias

from data_plane.handlers.answer import Answer, document_answer, preflight_answer
from data_plane.protocol.document import Document
from data_plane.protocol.errors import MethodNotAllowed, NotFound
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.snapshot import TenantStatus

METHODS = b"GET, HEAD, OPTIONS"
_FIVE_MINUTES, _A_SECOND = b"300", b"1"

PublicDocument: TypeAlias = tuple[Callable[[ServedIssuer], Document], bytes]  # for so many seconds

JWKS: PublicDocument = (lambda issuer: issuer.jwks, _FIVE_MINUTES)
METADATA: PublicDocument = (lambda issuer: issuer.metadata, _FIVE_MINUTES)
# what a resource server that verifies offline polls, as often as every second
REVOCATIONS: PublicDocument = (lambda issuer: issuer.revoked.feed(), _A_SECOND)


def serve(
    public: PublicDocument, issuer: ServedIssuer, method: str, if_none_match: bytes | None
) -> Answer:
    if issuer.status is TenantStatus.DELETED:
        raise NotFound("there is nothing here")
    match method:
        case "GET" | "HEAD":
            find, max_age = public
            return document_answer(find(issuer), if_none_match, max_age)
        case "OPTIONS":
            return preflight_answer(METHODS)
        case _:
            raise MethodNotAllowed(METHODS)
