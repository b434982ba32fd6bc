"""GET of an issuer's public documents: key set (RFC 7517), metadata (RFC 8414), deny feed."""

from data_plane.handlers.answer import Answer, document_answer, preflight_answer
from data_plane.handlers.asked import Asked
from data_plane.handlers.given import Given
from data_plane.protocol.document import Document
from data_plane.protocol.errors import MethodNotAllowed, NotFound
from shared.domain.snapshot import TenantStatus

METHODS = b"GET, HEAD, OPTIONS"
_FIVE_MINUTES, _A_SECOND = b"300", b"1"


async def jwks(asked: Asked, _: Given) -> Answer:
    return _serve(asked, asked.issuer.jwks, _FIVE_MINUTES)


async def metadata(asked: Asked, _: Given) -> Answer:
    return _serve(asked, asked.issuer.metadata, _FIVE_MINUTES)


async def revocations(asked: Asked, _: Given) -> Answer:
    """What a resource server that verifies offline polls, as often as every second."""
    return _serve(asked, asked.issuer.revoked.feed(), _A_SECOND)


def _serve(asked: Asked, found: Document, max_age: bytes) -> Answer:
    if asked.issuer.status is TenantStatus.DELETED:
        raise NotFound("there is nothing here")
    match asked.method:
        case "GET" | "HEAD":
            return document_answer(found, asked.header(b"if-none-match"), max_age)
        case "OPTIONS":
            return preflight_answer(METHODS)
        case _:
            raise MethodNotAllowed(METHODS)
