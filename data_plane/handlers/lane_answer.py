"""How a lane answers: in one write, with the bytes that the application would answer with."""

import time
from functools import lru_cache

import msgspec

from data_plane.handlers.answer import WITHOUT_LENGTH, Answer
from data_plane.handlers.telling import Telling
from data_plane.protocol.served_issuer import ServedIssuer
from shared.runtime.http1_answer import CLOSE, STATUS_LINES, lines_of
from shared.runtime.http1_request import Answering
from shared.runtime.request_log import RequestLine

LAST = lines_of((CLOSE,))
_lines = lru_cache(maxsize=1024)(lines_of)


class Taken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that is being answered in a lane."""

    connection: Answering
    issuer: ServedIssuer
    endpoint: str
    method: str = "POST"
    client_id: str = ""
    trace_id: str = ""
    request_id: str
    started: float  # seconds of a clock that never goes back


def send(
    connection: Answering, answer: Answer, request_id: str = "", *, whole: bool = True
) -> None:
    """Send it, as the mount does; `whole`: with its body, which the answer to HEAD has not."""
    last = connection.is_last
    octets = b"%b%b%b%b%b%b\r\n%b" % (
        STATUS_LINES[answer.status],
        connection.date,
        _lines(answer.headers),
        b"x-request-id: %b\r\n" % request_id.encode() if request_id else b"",
        b"" if answer.status in WITHOUT_LENGTH else b"content-length: %d\r\n" % len(answer.body),
        LAST if last else b"",
        answer.body if whole else b"",
    )
    connection.answer(octets, close=last)


def tell(telling: Telling, taken: Taken, status: int, error: str) -> None:
    seconds = time.perf_counter() - taken.started
    telling.answered(
        RequestLine(
            request_id=taken.request_id,
            endpoint=taken.endpoint,
            slug=taken.issuer.snapshot.slug,
            method=taken.method,
            status=status,
            error=error,
            client_id=taken.client_id,
            trace_id=taken.trace_id,
            ms=round(seconds * 1000, 3),
        ),
        seconds,
        taken.issuer.tenant_id,
    )
