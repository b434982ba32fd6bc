"""The lane for POST {issuer}/oauth/token where nothing has to be waited for but the record.

Most token requests are of a client that has proved itself by the same bytes before, for a form that
was decided on before (protocol/proved.py), within its limits. Such a request is admitted where it
arrives, signed with all that arrived with it, and answered by the group commit that has its record.
"""

import time
from collections.abc import Sequence
from functools import partial

import msgspec

from data_plane.handlers.answer import bytes_answer
from data_plane.handlers.asked import note_use
from data_plane.handlers.door import InFlight
from data_plane.handlers.dpop import owes_proof
from data_plane.handlers.given import Given
from data_plane.handlers.lane_answer import LAST, tell
from data_plane.handlers.lane_form import PlainForm, PlainForms, TakenForm, refuse
from data_plane.handlers.lane_known import KnownRequests
from data_plane.handlers.telling import Telling
from data_plane.handlers.together import Together
from data_plane.handlers.token import draft, issued
from data_plane.ports import IssuedToken
from data_plane.protocol.access_token import TokenTemplate
from data_plane.protocol.errors import OAuthError, TemporarilyUnavailable
from shared.domain.jws import OpenedKey
from shared.runtime.http1_answer import lines_of
from shared.runtime.http1_request import Answering, Request

_OK = 200
_CANNOT = "the service cannot sign tokens now"
# a whole answer, of which only the gaps are different for each token
_GRANTED = b"HTTP/1.1 200 OK\r\n%%b%b%%bx-request-id: %%b\r\ncontent-length: %%d\r\n%%b\r\n%%b" % (
    lines_of(bytes_answer(b"").headers)
)


class _Admitted(msgspec.Struct, frozen=True, gc=False):
    """A request whose token is to be signed."""

    taken: TakenForm
    template: TokenTemplate
    key: OpenedKey
    told: bytes  # what the limits have to say


class _Signed(msgspec.Struct, frozen=True, gc=False):
    """A request that is answered once the token's record is kept."""

    taken: TakenForm
    told: bytes
    answer: bytes


class TokenLane:
    def __init__(
        self,
        given: Given,
        telling: Telling,
        in_flight: InFlight,
        forms: PlainForms,
        known: KnownRequests,
    ) -> None:
        self._given = given
        self._telling = telling
        self._in_flight = in_flight
        self._forms = forms
        self._known = known
        self._admitted = Together(self._issue)
        self._recorded = Together(self._answer)

    def take(self, request: Request, slug: str, endpoint: str, connection: Answering) -> bool:
        if not self._forms.is_plain(request):
            return False
        form = self._given.keyed_hash(request.body)
        asked = self._forms.read(request, slug, endpoint, form)
        if not self._serve(asked, connection):
            return False
        self._known.remember(request, partial(self._serve, asked))
        return True

    def _serve(self, asked: PlainForm, connection: Answering) -> bool:
        taken = self._forms.recognise(asked, connection)
        template = None if taken is None else taken.proved.templates.get(asked.about)
        if taken is None or template is None:
            return False
        if owes_proof(taken.proved.client):
            return False  # a plain request has none
        try:
            return self._begin(taken, template)
        except OAuthError as error:
            refuse(self._telling, taken, error.without_traceback())
            return True

    def _begin(self, taken: TakenForm, template: TokenTemplate) -> bool:
        """Admit it, as token.token does; False where its limits have to be waited for."""
        given, issuer, client = self._given, taken.issuer, taken.proved.client
        note_use(taken.proved, issuer.tenant_id, taken.address, given, taken.now)
        given.readiness.check_recent()
        key = given.signer.key(issuer, template.algorithm, template.profile)
        admission = given.limits.admit_at_once(issuer, client)
        if admission is None:
            return False
        self._admitted.add(_Admitted(taken, template, key, admission.lines))
        self._in_flight.count += 1
        return True

    def _issue(self, admitted: Sequence[_Admitted]) -> None:
        started = time.thread_time()
        signed: list[tuple[IssuedToken, bytes]] = []
        try:
            signed = self._signed(admitted)
        finally:
            if not signed:  # nobody waits for ever, whatever has happened
                self._not_signed(admitted)
        for each, (record, answer) in zip(admitted, signed, strict=True):
            done = partial(self._end, _Signed(each.taken, each.told, answer))
            try:
                self._given.ledger.begin(record, done)
            except TemporarilyUnavailable as error:
                done(error.without_traceback())
        self._in_flight.took(time.thread_time() - started, len(admitted))

    def _not_signed(self, admitted: Sequence[_Admitted]) -> None:
        for each in admitted:
            self._in_flight.count -= 1
            refuse(self._telling, each.taken, TemporarilyUnavailable(_CANNOT))

    def _signed(self, admitted: Sequence[_Admitted]) -> list[tuple[IssuedToken, bytes]]:
        drafts = [draft(each.key, each.template, self._given) for each in admitted]
        signatures = [
            each.key.sign(of.signing_input) for each, of in zip(admitted, drafts, strict=True)
        ]
        return [
            issued(of, signature, each.taken.issuer, each.taken.proved.client, each.template)
            for each, of, signature in zip(admitted, drafts, signatures, strict=True)
        ]

    def _end(self, signed: _Signed, error: OAuthError | None) -> None:
        """Have it answered: the record is kept, or cannot be."""
        self._in_flight.count -= 1
        if error is None:
            self._recorded.add(signed)
        else:
            refuse(self._telling, signed.taken, error)

    def _answer(self, recorded: Sequence[_Signed]) -> None:
        for connection, octets, last in [_granted(each) for each in recorded]:
            connection.answer(octets, close=last)
        for each in recorded:
            tell(self._telling, each.taken, _OK, "")


def _granted(signed: _Signed) -> tuple[Answering, bytes, bool]:
    """Encode the answer; give with it who hears it, and whether it is the connection's last."""
    taken, answer, connection = signed.taken, signed.answer, signed.taken.connection
    last, request_id = connection.is_last, taken.request_id.encode()
    told, length, close = signed.told, len(answer), LAST if last else b""
    octets = _GRANTED % (connection.date, told, request_id, length, close, answer)
    return connection, octets, last
