"""The lane for POST {issuer}/oauth/token where nothing has to be waited for but the record.

Most token requests are of a client that has proved itself by the same bytes before, for a form that
was decided on before (protocol/proved.py), within its limits. Such a request is signed where it
arrives, and answered by the group commit that has its record.
"""

from functools import partial

from data_plane.handlers.answer import bytes_answer, error_answer
from data_plane.handlers.asked import note_use
from data_plane.handlers.door import InFlight
from data_plane.handlers.given import Given
from data_plane.handlers.lane_answer import LAST, send, tell
from data_plane.handlers.lane_form import PlainForm, PlainForms, TakenForm
from data_plane.handlers.telling import Telling
from data_plane.handlers.token import issue
from data_plane.protocol.access_token import TokenTemplate
from data_plane.protocol.errors import OAuthError
from shared.domain.bounded import keep
from shared.runtime.http1_answer import lines_of
from shared.runtime.http1_request import Answering, Request

_MAXIMUM_ASKED = 4096  # requests of clients that have proved themselves
_OK = 200
# a whole answer, of which only the gaps are different for each token
_GRANTED = b"HTTP/1.1 200 OK\r\n%%b%b%%bx-request-id: %%b\r\ncontent-length: %%d\r\n%%b\r\n%%b" % (
    lines_of(bytes_answer(b"").headers)
)


class TokenLane:
    def __init__(
        self, given: Given, telling: Telling, in_flight: InFlight, forms: PlainForms
    ) -> None:
        self._given = given
        self._telling = telling
        self._in_flight = in_flight
        self._forms = forms
        self._asked: dict[bytes, PlainForm] = {}  # by the names of the octets that came

    def take(self, request: Request, slug: str, endpoint: str, connection: Answering) -> bool:
        if not self._forms.is_plain(request):
            return False
        form = self._given.keyed_hash(request.body)
        asked = self._forms.read(request, slug, endpoint, form)
        if not self._serve(asked, connection):
            return False
        if request.octets:
            keep(self._asked, self._given.keyed_hash(request.octets), asked, _MAXIMUM_ASKED)
        return True

    def again(self, name: bytes, connection: Answering) -> bool:
        asked = self._asked.get(name)
        return asked is not None and self._serve(asked, connection)

    def _serve(self, asked: PlainForm, connection: Answering) -> bool:
        taken = self._forms.recognise(asked, connection)
        template = None if taken is None else taken.proved.templates.get(asked.about)
        if taken is None or template is None:
            return False
        try:
            return self._begin(taken, template)
        except OAuthError as error:
            self._refuse(taken, error.without_traceback())
            return True

    def _begin(self, taken: TakenForm, template: TokenTemplate) -> bool:
        """Issue the token, as token.token does; False where its limits have to be waited for."""
        given, issuer, client = self._given, taken.issuer, taken.proved.client
        note_use(taken.proved, issuer.tenant_id, taken.address, given, taken.now)
        given.readiness.check_recent()
        admission = given.limits.admit_at_once(issuer, client)
        if admission is None:
            return False
        issued, answer = issue(issuer, client, template, given, None)
        given.ledger.begin(issued, partial(self._end, taken, lines_of(admission.headers), answer))
        self._in_flight.count += 1
        return True

    def _end(self, taken: TakenForm, told: bytes, answer: bytes, error: OAuthError | None) -> None:
        """Answer: the record is kept, or cannot be. `told`: what the limits have to say."""
        self._in_flight.count -= 1
        if error is not None:
            self._refuse(taken, error)
            return
        connection, request_id = taken.connection, taken.request_id.encode()
        last = connection.is_last
        close = LAST if last else b""
        octets = _GRANTED % (connection.date, told, request_id, len(answer), close, answer)
        connection.answer(octets, close=last)
        tell(self._telling, taken, _OK, "")

    def _refuse(self, taken: TakenForm, error: OAuthError) -> None:
        answer = error_answer(error, realm=taken.issuer.issuer)
        send(taken.connection, answer, taken.request_id)
        self._telling.refused(
            taken.issuer.tenant_id,
            taken.client_id,
            taken.address,
            taken.endpoint,
            error,
            taken.request_id,
        )
        tell(self._telling, taken, answer.status, answer.error)
