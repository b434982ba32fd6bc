"""The lane for POST {issuer}/oauth/introspect, answered by JSON: nothing has to be waited for.

A resource server asks about the same token again and again. Its octets are known again as long as
the token's signature is known to be right (protocol/verified.py); everything else that decides is
looked at each time, by the functions that introspect.py uses.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from data_plane.handlers.answer import json_answer
from data_plane.handlers.asked import note_use
from data_plane.handlers.given import Given
from data_plane.handlers.introspect import answer_about, verified
from data_plane.handlers.lane_answer import send, tell
from data_plane.handlers.lane_form import PlainForm, PlainForms, TakenForm, refuse
from data_plane.handlers.lane_known import KnownRequests
from data_plane.handlers.telling import Telling
from data_plane.handlers.together import Together
from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.client_authentication import check_one_way
from data_plane.protocol.errors import OAuthError, TemporarilyUnavailable
from data_plane.protocol.request_gate import read_form
from data_plane.protocol.signed_introspection import wants_jwt
from shared.runtime.http1_request import Answering, Request

_CANNOT = "the service cannot verify tokens now"


class _Question(msgspec.Struct, frozen=True, gc=False):
    """A request that is answered once the token is known to be ours, or not."""

    taken: TakenForm
    token: str
    asked: PlainForm
    request: Request


class IntrospectionLane:
    def __init__(
        self, given: Given, telling: Telling, forms: PlainForms, known: KnownRequests
    ) -> None:
        self._given = given
        self._telling = telling
        self._forms = forms
        self._known = known
        self._questions = Together(self._verify)

    def take(self, request: Request, slug: str, endpoint: str, connection: Answering) -> bool:
        """Take on what Basic proves; all that is to be refused, the application refuses."""
        given, forms = self._given, self._forms
        if not forms.is_plain(request) or not _is_usual(request):
            return False
        try:
            form = read_form(request.body)
            token = form.required("token")
            name = given.keyed_hash(token.encode())
            asked = forms.read(request, slug, endpoint, name)
            taken = forms.recognise(asked, connection)
            if taken is None:
                return False
            check_one_way(taken.proved.client.client_id, form)
            note_use(taken.proved, taken.issuer.tenant_id, taken.address, given, taken.now)
        except OAuthError:
            return False
        self._questions.add(_Question(taken, token, asked, request))
        return True

    def _verify(self, questions: Sequence[_Question]) -> None:
        """Verify what all that arrived together ask about, and then answer."""
        found: list[AccessTokenClaims | None] = []
        try:
            found = [self._verified(each) for each in questions]
        finally:
            if not found:  # nobody waits for ever, whatever has happened
                for each in questions:
                    refuse(self._telling, each.taken, TemporarilyUnavailable(_CANNOT))
        for each, claims in zip(questions, found, strict=True):
            if claims is not None:
                self._known.remember(each.request, partial(self._again, each.asked))
            self._answer(each.taken, claims)

    def _verified(self, question: _Question) -> AccessTokenClaims | None:
        issuer, name = question.taken.issuer, question.asked.about
        return verified(question.token, name, issuer, self._given)

    def _again(self, asked: PlainForm, connection: Answering) -> bool:
        taken = self._forms.recognise(asked, connection)
        if taken is None:
            return False
        claims = self._given.verified.get(asked.about, taken.issuer)
        if claims is None:
            return False
        try:
            note_use(taken.proved, taken.issuer.tenant_id, taken.address, self._given, taken.now)
        except OAuthError:
            return False
        self._answer(taken, claims)
        return True

    def _answer(self, taken: TakenForm, claims: AccessTokenClaims | None) -> None:
        found = answer_about(claims, taken.proved.client, taken.issuer, self._given, taken.now)
        answer = json_answer(found)
        send(taken.connection, answer, taken.request_id)
        tell(self._telling, taken, answer.status, answer.error)


def _is_usual(request: Request) -> bool:
    """Tell whether the caller shows its Authorization, and does not ask for a JWT (RFC 9701)."""
    shows = any(name == b"authorization" for name, _ in request.headers)
    return shows and not wants_jwt(request.headers)
