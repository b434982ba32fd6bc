"""A form that a lane may take: plain, and of a client that has proved itself by the same bytes."""

import time
from collections.abc import Collection

import msgspec

from data_plane.handlers.answer import Header, error_answer
from data_plane.handlers.given import Given
from data_plane.handlers.lane_answer import Taken, send, tell
from data_plane.handlers.telling import Telling
from data_plane.protocol.errors import OAuthError
from data_plane.protocol.proved import ProvedClient
from data_plane.protocol.request_gate import check_form_head, read_head, read_trace_id
from shared.domain.bounded import keep
from shared.domain.client_address import FORWARDED, client_address
from shared.domain.outbound_url import Address, Network
from shared.runtime.http1_request import Answering, Request

_MAXIMUM_PART = 4 * 1024  # bytes of head and of body: what is more is read with more care
_MAXIMUM_HEADERS = 32
_MAXIMUM_KEPT = 256  # heads
# what changes how a request is read, or what it asks for
_UNUSUAL = frozenset({b"content-encoding", b"dpop", b"expect", b"transfer-encoding"})


class PlainForm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that a plain form says; of what may be secret the name alone (KeyedHash)."""

    slug: str
    endpoint: str
    about: bytes  # what it asks for
    presented: bytes  # what proves who asks
    forwarded: tuple[Header, ...]  # what proxies have said of the client's address
    trace_id: str


class TakenForm(Taken, frozen=True, kw_only=True, gc=False):
    proved: ProvedClient
    address: Address
    now: int  # seconds since the epoch


class PlainForms:
    """Reads them, and finds who sent them. One for each worker."""

    def __init__(
        self,
        given: Given,
        hosts: Collection[str],
        proxies: Collection[Network],
    ) -> None:
        self._given = given
        self._hosts = hosts
        self._proxies = proxies
        self._good_heads: dict[tuple[bytes | None, bytes | None], None] = {}

    def is_plain(self, request: Request) -> bool:
        """Tell whether the request gate has nothing to say; what it thinks of a head is kept."""
        headers = dict(request.headers)
        count = len(headers)
        if (
            request.method != b"POST"
            or b"?" in request.target
            or count != len(request.headers)
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

    def read(self, request: Request, slug: str, endpoint: str, about: bytes) -> PlainForm:
        """Read a plain one; `about` proves who asks, too, where there is no Authorization."""
        headers = dict(request.headers)
        authorization, traceparent = headers.get(b"authorization"), headers.get(b"traceparent")
        return PlainForm(
            slug=slug,
            endpoint=endpoint,
            about=about,
            presented=about if authorization is None else self._given.keyed_hash(authorization),
            forwarded=tuple(each for each in request.headers if each[0] == FORWARDED),
            trace_id="" if traceparent is None else read_trace_id(traceparent),
        )

    def recognise(self, asked: PlainForm, connection: Answering) -> TakenForm | None:
        """Find who asks, where the same bytes have proved that before."""
        started = time.perf_counter()
        given = self._given
        issuer = given.issuers.at_hand(asked.slug)
        if issuer is None:
            return None
        now = given.clock()
        proved = issuer.proved.get(asked.presented, now)
        if proved is None:
            return None
        return TakenForm(
            connection=connection,
            issuer=issuer,
            endpoint=asked.endpoint,
            client_id=proved.client.client_id,
            trace_id=asked.trace_id,
            request_id=given.new_request_id(),
            started=started,
            proved=proved,
            address=client_address(connection.peer[0], asked.forwarded, self._proxies),
            now=now,
        )


def refuse(telling: Telling, taken: TakenForm, error: OAuthError) -> None:
    """Answer with the error, and tell of it what the mount does."""
    answer = error_answer(error, realm=taken.issuer.issuer)
    send(taken.connection, answer, taken.request_id)
    telling.refused(
        taken.issuer.tenant_id,
        taken.client_id,
        taken.address,
        taken.endpoint,
        error,
        taken.request_id,
    )
    tell(telling, taken, answer.status, answer.error)
