"""All that the double knows: objects as Stripe shows them, its events, and its clock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from secrets import token_hex

from stripe._api_version import _ApiVersion

from tests.stripe_double.wire import JSON, missing

API_VERSION = _ApiVersion.CURRENT
DAY = 86_400  # seconds
_EVENTS_KEPT = 30 * DAY


class Clock:
    """Seconds since 1970, ahead of the machine's by what was asked for; it never goes back."""

    def __init__(self) -> None:
        self.ahead = 0  # seconds
        self._held: int | None = None

    def now(self) -> int:
        return int(time.time()) + self.ahead if self._held is None else self._held

    def move(self, seconds: int) -> None:
        self.ahead += seconds

    @contextmanager
    def held_at(self, moment: int) -> Iterator[None]:
        """Have everything within happen at that moment."""
        before, self._held = self._held, moment
        try:
            yield
        finally:
            self._held = before


class Store:
    def __init__(self) -> None:
        self.clock = Clock()
        self.url = ""  # where the double is reached; its pages are linked from objects
        self.objects: dict[str, JSON] = {}
        self.events: list[JSON] = []  # in their order; each in `undelivered` until it was taken
        self.undelivered: set[str] = set()
        self.request: JSON = {"id": None, "idempotency_key": None}  # that is being answered
        self.after_last_retry = "canceled"  # or "unpaid" or "past_due", as a Stripe account chooses
        self.refused_usage: list[JSON] = []  # meter events of unknown customers: Stripe tells later

    def make(self, kind: str, prefix: str, /, **fields: object) -> JSON:
        """Keep a new object. Names that begin with an underscore are not shown to anybody."""
        identifier = f"{prefix}_{token_hex(10)}"
        made = {
            "id": identifier,
            "object": kind,
            "created": self.clock.now(),
            "livemode": False,
            **fields,
        }
        self.objects[identifier] = made
        return made

    def get(self, kind: str, identifier: str, param: str = "id") -> JSON:
        """errors: StripeRefusal where there is none of the kind"""
        found = self.objects.get(identifier)
        if found is None or found["object"] != kind:
            raise missing(kind.rpartition(".")[2], identifier, param)
        return found

    def all(self, kind: str) -> list[JSON]:
        """Give those of a kind, the newest first."""
        return [each for each in reversed(self.objects.values()) if each["object"] == kind]

    def emit(self, kind: str, thing: JSON, before: JSON | None = None) -> None:
        """Record an event about the object as it is now; `before` has what was different."""
        about: JSON = {"object": shown(thing)}
        if before is not None:
            about["previous_attributes"] = before
        event: JSON = {
            "id": f"evt_{token_hex(12)}",
            "object": "event",
            "api_version": API_VERSION,
            "created": self.clock.now(),
            "data": about,
            "livemode": False,
            "pending_webhooks": 1,
            "request": dict(self.request),
            "type": kind,
        }
        self.events.append(event)
        self.undelivered.add(event["id"])

    @contextmanager
    def changing(self, thing: JSON, event: str) -> Iterator[None]:
        """Record the event where what is shown of the object has changed within."""
        before = shown(thing)
        yield
        after = shown(thing)
        changed = {name: before.get(name) for name in after if before.get(name) != after[name]}
        if changed:
            self.emit(event, thing, changed)

    def events_kept(self) -> list[JSON]:
        """Give the events of the last 30 days, the newest first."""
        oldest = self.clock.now() - _EVENTS_KEPT
        return [each for each in reversed(self.events) if each["created"] >= oldest]

    def fork(self) -> "Store":
        """Give a copy in which things can be tried out without anybody hearing of it."""
        copy = Store()
        copy.clock, copy.url = self.clock, self.url
        copy.objects = deepcopy(self.objects)
        return copy


def shown(thing: JSON) -> JSON:
    return {name: _shown_within(each) for name, each in thing.items() if not name.startswith("_")}


def _shown_within(value: object) -> object:
    if isinstance(value, dict):
        return shown(value)
    if isinstance(value, list):
        return [_shown_within(each) for each in value]
    return value


def listed(things: list[JSON], url: str = "") -> JSON:
    """Give a list as Stripe embeds it in an object."""
    return {"object": "list", "data": things, "has_more": False, "url": url}
