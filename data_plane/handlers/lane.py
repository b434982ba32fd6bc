"""The lane: POST {issuer}/oauth/token where nothing has to be waited for but the record.

Most token requests are of a client that has proved itself by the same bytes before, for a form that
was decided on before (protocol/proved.py), within its limits. Such a request needs no task: it is
signed where it arrives, and answered by the group commit that has its record (decision 20). What is
any different in whatever way, the lane leaves to token.py, untouched; the two share what decides.
"""

import time
from collections.abc import Collection
from functools import partial

import msgspec

from data_plane.handlers.answer import Answer, Header, bytes_answer, error_answer
from data_plane.handlers.asked import note_use
from data_plane.handlers.door import REFUSED, InFlight
from data_plane.handlers.given import Given
from data_plane.handlers.telling import Telling
from data_plane.handlers.token import issue
from data_plane.protocol.access_token import TokenTemplate
from data_plane.protocol.errors import OAuthError
from data_plane.protocol.proved import ProvedClient
from data_plane.protocol.request_gate import check_form_head, read_head, read_trace_id
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.bounded import keep
from shared.domain.client import DpopUse
from shared.domain.client_address import FORWARDED, client_address
from shared.domain.outbound_url import Address, Network
from shared.runtime.http1_answer import CLOSE, lines_of, message
from shared.runtime.http1_request import Answering, Request
from shared.runtime.request_log import RequestLine

_ENDPOINT = "oauth/token"
_BEFORE, _BEHIND = b"/t/", b"/oauth/token"
_MAXIMUM_PART = 4 * 1024  # bytes of head and of body: what is more is read with more care
_MAXIMUM_HEADERS = 32
_DIGITS = 4  # of the length of a body that is worth a moment
_MAXIMUM_KEPT = 256  # heads
_MAXIMUM_ASKED = 4096  # requests of clients that have proved themselves
# what changes how a request is read, or what it asks for
_UNUSUAL = frozenset({b"content-encoding", b"dpop", b"expect", b"transfer-encoding"})

_OK = 200
# a whole answer, of which only the gaps are different for each token
_GRANTED = b"HTTP/1.1 200 OK\r\n%%b%b%%bx-request-id: %%b\r\ncontent-length: %%d\r\n\r\n%%b" % (
    lines_of(bytes_answer(b"").headers)
)

_LAST = lines_of((CLOSE,))


class _Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that a plain request says; of what may be secret the name alone (KeyedHash)."""

    slug: str
    form: bytes
    presented: bytes
    forwarded: tuple[Header, ...]  # what proxies have said of the client's address
    trace_id: str


class _Taken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that is being answered here."""

    connection: Answering
    issuer: ServedIssuer
    proved: ProvedClient
    template: TokenTemplate
    address: Address
    trace_id: str
    request_id: str
    started: float  # seconds of a clock that never goes back
    now: int  # seconds since the epoch


class TokenLane:
    """One for each worker."""

    def __init__(
        self,
        given: Given,
        telling: Telling,
        in_flight: InFlight,
        hosts: Collection[str],
        proxies: Collection[Network],
    ) -> None:
        self._given = given
        self._telling = telling
        self._in_flight = in_flight
        self._hosts = hosts
        self._proxies = proxies
        self._asked: dict[bytes, _Asked] = {}  # by the names of the octets that came
        self._good_heads: dict[tuple[bytes | None, bytes | None], None] = {}

    def wants(self, request: Request) -> bool:
        headers = dict(request.headers)
        length = headers.get(b"content-length", b"none")
        return (
            _is_for_tokens(request.target)
            and b"expect" not in headers
            and length.isdigit()
            and len(length) <= _DIGITS
        )

    def take(self, request: Request, connection: Answering) -> bool:
        if not _is_for_tokens(request.target):
            return False
        if self._in_flight.full:
            self._turn_away(connection)
            return True
        asked = self._read(request)
        if asked is None or not self._serve(asked, connection):
            return False
        if request.octets:
            keep(self._asked, self._given.keyed_hash(request.octets), asked, _MAXIMUM_ASKED)
        return True

    def again(self, octets: bytes, connection: Answering) -> bool:
        if len(octets) > _MAXIMUM_PART or not octets.startswith(b"POST "):
            return False
        asked = self._asked.get(self._given.keyed_hash(octets))
        if asked is None or self._in_flight.full:
            return False
        return self._serve(asked, connection)

    def _read(self, request: Request) -> _Asked | None:
        headers = dict(request.headers)
        if not self._is_plain(request, headers):
            return None
        form, authorization = self._given.keyed_hash(request.body), headers.get(b"authorization")
        traceparent = headers.get(b"traceparent")
        return _Asked(
            slug=request.target[len(_BEFORE) : -len(_BEHIND)].decode("latin-1"),
            form=form,
            presented=form if authorization is None else self._given.keyed_hash(authorization),
            forwarded=tuple(each for each in request.headers if each[0] == FORWARDED),
            trace_id="" if traceparent is None else read_trace_id(traceparent),
        )

    def _recognised(self, asked: _Asked, connection: Answering) -> _Taken | None:
        """Find the client and what was decided for it, where both are known by the same bytes."""
        started = time.perf_counter()
        given = self._given
        issuer = given.issuers.at_hand(asked.slug)
        if issuer is None:
            return None
        now = given.clock()
        proved = issuer.proved.get(asked.presented, now)
        template = None if proved is None else proved.templates.get(asked.form)
        if proved is None or template is None:
            return None
        if proved.client.dpop is not DpopUse.OPTIONAL:
            return None  # it owes a proof of a key, and a plain request has none
        return _Taken(
            connection=connection,
            issuer=issuer,
            proved=proved,
            template=template,
            address=client_address(connection.peer[0], asked.forwarded, self._proxies),
            trace_id=asked.trace_id,
            request_id=given.new_request_id(),
            started=started,
            now=now,
        )

    def _is_plain(self, request: Request, headers: dict[bytes, bytes]) -> bool:
        """Tell whether the request gate has nothing to say; what it thinks of a head is kept."""
        count = len(headers)
        if (
            count != len(request.headers)
            or count > _MAXIMUM_HEADERS
            or not _UNUSUAL.isdisjoint(headers)
            or len(request.body) > _MAXIMUM_PART
            or sum(map(len, headers.values())) > _MAXIMUM_PART
        ):
            return False
        judged = headers.get(b"host"), headers.get(b"content-type")
        if judged in self._good_heads:
            return True
        try:
            check_form_head(read_head(request.headers), b"", self._hosts)
        except OAuthError:
            return False
        keep(self._good_heads, judged, None, _MAXIMUM_KEPT)
        return True

    def _serve(self, asked: _Asked, connection: Answering) -> bool:
        taken = self._recognised(asked, connection)
        if taken is None:
            return False
        try:
            return self._begin(taken)
        except OAuthError as error:
            self._refuse(taken, error.without_traceback())
            return True

    def _begin(self, taken: _Taken) -> bool:
        """Issue the token, as token.token does; False where its limits have to be waited for."""
        given, issuer, client = self._given, taken.issuer, taken.proved.client
        note_use(taken.proved, issuer.tenant_id, taken.address, given, taken.now)
        given.readiness.check_recent()
        admission = given.limits.admit_at_once(issuer, client)
        if admission is None:
            return False
        issued, answer = issue(issuer, client, taken.template, given, None)
        given.ledger.begin(issued, partial(self._end, taken, lines_of(admission.headers), answer))
        self._in_flight.count += 1
        return True

    def _end(self, taken: _Taken, told: bytes, answer: bytes, error: OAuthError | None) -> None:
        """Answer: the record is kept, or cannot be. `told`: what the limits have to say."""
        self._in_flight.count -= 1
        if error is not None:
            self._refuse(taken, error)
            return
        connection, request_id = taken.connection, taken.request_id.encode()
        last = connection.is_last
        told += _LAST if last else b""
        octets = _GRANTED % (connection.date, told, request_id, len(answer), answer)
        connection.answer(octets, close=last)
        self._tell(taken, _OK, "")

    def _refuse(self, taken: _Taken, error: OAuthError) -> None:
        answer = error_answer(error, realm=taken.issuer.issuer)
        _send(taken.connection, answer, (b"x-request-id", taken.request_id.encode()))
        client_id, tenant = taken.proved.client.client_id, taken.issuer.tenant_id
        self._telling.refused(tenant, client_id, taken.address, _ENDPOINT, error, taken.request_id)
        self._tell(taken, answer.status, answer.error)

    def _tell(self, taken: _Taken, status: int, error: str) -> None:
        seconds = time.perf_counter() - taken.started
        self._telling.answered(
            RequestLine(
                request_id=taken.request_id,
                endpoint=_ENDPOINT,
                slug=taken.issuer.snapshot.slug,
                method="POST",
                status=status,
                error=error,
                client_id=taken.proved.client.client_id,
                trace_id=taken.trace_id,
                ms=round(seconds * 1000, 3),
            ),
            seconds,
            taken.issuer.tenant_id,
        )

    def _turn_away(self, connection: Answering) -> None:
        self._telling.telemetry.observe_turned_away(REFUSED.error)
        _send(connection, REFUSED)


def _send(connection: Answering, answer: Answer, *headers: Header) -> None:
    last = connection.is_last
    told = (*answer.headers, *headers, *((CLOSE,) if last else ()))
    connection.answer(message(answer.status, told, answer.body, connection.date), close=last)


def _is_for_tokens(target: bytes) -> bool:
    return target.startswith(_BEFORE) and target.endswith(_BEHIND)
