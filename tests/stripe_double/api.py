"""The API under `/v1/`: who asks, whether it was asked before, and the call itself."""

from base64 import b64decode
from hashlib import sha256
from secrets import token_hex
from typing import NamedTuple

from tests.stripe_double.expansion import expand
from tests.stripe_double.listing import Listing
from tests.stripe_double.routes import ROUTES, Route
from tests.stripe_double.shapes import read_shape
from tests.stripe_double.store import API_VERSION, DAY, Store, shown
from tests.stripe_double.timeline import catch_up
from tests.stripe_double.wire import JSON, StripeRefusal, decode

_KEYS = ("sk_test_", "rk_test_")


class Call(NamedTuple):
    method: str
    path: str
    fields: str  # of the query or of the form
    headers: dict[str, str]  # names in lower case


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: JSON


class _Kept(NamedTuple):
    at: int
    asked: str  # digest of method, path and fields
    answer: Answer


class Api:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, _Kept] = {}

    def answer(self, call: Call) -> Answer:
        request = f"req_{token_hex(7)}"
        headers = {"request-id": request, "stripe-version": API_VERSION}
        key = call.headers.get("idempotency-key") if call.method == "POST" else None
        self._store.request = {"id": request, "idempotency_key": key}
        try:
            catch_up(self._store)
            _authenticate(call)
            if key is None:
                return Answer(200, headers, self._work(call))
            return self._once(key, call, headers)
        except StripeRefusal as error:
            error.body["error"]["request_log_url"] = f"{self._store.url}/#{request}"
            return Answer(error.status, headers, error.body)
        finally:
            self._store.request = {"id": None, "idempotency_key": None}

    def _once(self, key: str, call: Call, headers: dict[str, str]) -> Answer:
        """Give the answer that the key has had already, of the last 24 hours."""
        headers = headers | {"idempotency-key": key}
        now = self._store.clock.now()
        asked = sha256(f"{call.method} {call.path} {call.fields}".encode()).hexdigest()
        kept = self._kept.get(key)
        if kept is not None and kept.at > now - DAY:
            if kept.asked != asked:
                raise StripeRefusal(
                    "Keys for idempotent requests can only be used with the same parameters they"
                    f" were first used with. Try using a key other than '{key}' if you meant to"
                    " execute a different request.",
                    kind="idempotency_error",
                )
            return kept.answer._replace(headers=headers | {"idempotent-replayed": "true"})
        route, names = _find(call)
        given = _read(route, call)  # what is refused here has not begun, and may be corrected
        try:
            answer = Answer(200, headers, self._do(route, names, given, call))
        except StripeRefusal as error:
            answer = Answer(error.status, headers, error.body)
        self._kept[key] = _Kept(now, asked, answer)
        return answer

    def _work(self, call: Call) -> JSON:
        route, names = _find(call)
        return self._do(route, names, _read(route, call), call)

    def _do(self, route: Route, names: list[str], given: JSON, call: Call) -> JSON:
        paths = given.pop("expand", [])
        made = route.work(self._store, names, given)
        answer = shown(made.page(call.path) if isinstance(made, Listing) else made)
        for path in paths:
            expand(self._store, answer, path)
        return answer


def _authenticate(call: Call) -> None:
    scheme, _, held = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":  # as `curl -u sk_test_…:` sends it
        held = b64decode(held).decode(errors="replace")
    if not held.startswith(_KEYS):
        raise StripeRefusal("Invalid API Key provided.", status=401)


def _find(call: Call) -> tuple[Route, list[str]]:
    for route in ROUTES:
        match = route.path.fullmatch(call.path)
        if match and route.method == call.method:
            return route, list(match.groups())
    raise StripeRefusal(f"Unrecognized request URL ({call.method}: {call.path}).", status=404)


def _read(route: Route, call: Call) -> JSON:
    fields = decode(call.fields)
    if route.shape is None:
        expand_paths = list(fields.pop("expand", {}).values())
        if fields:
            name = next(iter(fields))
            raise StripeRefusal(
                f"Received unknown parameter: {name}", code="parameter_unknown", param=name
            )
        return {"expand": expand_paths}
    return read_shape(route.shape, fields)
