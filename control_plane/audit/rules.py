"""The audit log's events, and the chain that shows what was done to them afterwards. Pure.

Each event's digest is an HMAC over the digest before it, its number and its canonical form, which
names the chain: no event can be changed, moved or taken away, nor brought from another chain,
without the key. A chain's head, kept apart and signed, tells how long the chain is; its floor,
signed too, where it begins once the oldest events are past their time. An anchor is a head that was
written outside the database: whoever has the key as well cannot take that back.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from shared.domain.management import OPERATOR
from shared.runtime.config import Key

Facts: TypeAlias = Mapping[str, Any]  # JSON, and never a secret

FIRST_PREVIOUS = bytes(32)
# In the place of a head that is not ours: what is recorded later must not make it look right.
BROKEN_PREVIOUS = b"\xff" * 32


class ActorKind(StrEnum):
    OPERATOR = "operator"  # a command, on the machine
    PERSON = "person"
    STAFF = "staff"  # one of ours, by the support app
    API_KEY = "api_key"  # a program, by the management API
    SCHEDULE = "schedule"  # the background work, by itself


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes something, and by which request."""

    kind: ActorKind
    id: str
    email: str = ""
    address: str = ""
    request_id: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.email or self.id


BY_OPERATOR = Actor(kind=ActorKind.OPERATOR, id=OPERATOR)
BY_SCHEDULE = Actor(kind=ActorKind.SCHEDULE, id="schedule")


class Chain(msgspec.Struct, frozen=True):
    """Whose events: a tenant's, an account's, or our own staff's."""

    kind: str
    id: str

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"


TENANT, ACCOUNT = "tenant", "account"
STAFF = Chain("staff", "staff")  # all that staff do is one chain


class Noted(msgspec.Struct, frozen=True):
    """What was changed."""

    action: str  # such as client.change
    target: str  # such as client c_…
    before: Facts | None = None
    after: Facts | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    seq: int  # from 1, without a gap
    at: datetime
    actor_kind: ActorKind
    actor_id: str
    actor_email: str
    action: str
    target: str
    before: str | None  # JSON as it was digested
    after: str | None
    address: str
    request_id: str
    previous: bytes
    digest: bytes
    key_id: str

    @property
    def who(self) -> str:
        return self.actor_email or self.actor_id


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far the chain goes."""

    seq: int
    at: datetime
    digest: bytes  # of the event with this number
    signature: bytes
    key_id: str


ANCHORED = "audit anchor"  # the event of a line of the log that holds one


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """A head as a line of the log tells it."""

    chain: str
    seq: int
    digest: str  # in hexadecimal, as the signature
    signature: str
    key_id: str


class Damage(StrEnum):
    EDITED = "edited"
    DELETED = "deleted"
    SWAPPED = "swapped"
    BACK_DATED = "back-dated"
    TRUNCATED = "truncated"
    HEAD = "head changed"
    FLOOR = "floor changed"
    REWRITTEN = "rewritten"
    UNKNOWN_KEY = "unknown key"


class Broken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first event that is not as it was recorded."""

    seq: int
    damage: Damage
    other: int | None = None  # of two that were swapped


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    events: int  # that are as they were recorded, from the first that is kept
    forgotten: int = 0  # before these, past their time
    anchors: int = 0  # outside the database, that they agree with
    broken: Broken | None

    @property
    def words(self) -> str:
        if self.broken is None:
            past = f" {self.forgotten} before them are past their time." if self.forgotten else ""
            agreed = f" Anchors that agree: {self.anchors}." if self.anchors else ""
            return f"All {self.events} events are as they were recorded.{past}{agreed}"
        return _WORDS[self.broken.damage].format(seq=self.broken.seq, other=self.broken.other)


_WORDS = {
    Damage.EDITED: "Event {seq} was edited.",
    Damage.DELETED: "Event {seq} was deleted.",
    Damage.SWAPPED: "Event {seq} was swapped with event {other}.",
    Damage.BACK_DATED: "Event {seq} was back-dated.",
    Damage.TRUNCATED: "Event {seq} and those after it were cut off.",
    Damage.HEAD: "The signed head of the chain was changed, at event {seq}.",
    Damage.FLOOR: "The signed beginning of the chain was changed, at event {seq}.",
    Damage.REWRITTEN: "Event {seq} is not the one that was anchored outside the database.",
    Damage.UNKNOWN_KEY: "Event {seq} was recorded under a master key that is not in MASTER_KEY.",
}


def facts_of(held: Any) -> dict[str, Any]:
    """Give a struct's fields as facts."""
    return dict(msgspec.to_builtins(held, enc_hook=str, order="sorted"))


def differing(before: Facts, after: Facts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keep of both what is not the same."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def written(facts: Facts | None) -> str | None:
    """Give the facts as they are digested and kept."""
    if facts is None:
        return None
    return msgspec.json.encode(facts, order="sorted", enc_hook=str).decode()


def chained(
    chain: Chain, key: Key, head: Head | None, *, by: Actor, noted: Noted, now: datetime
) -> Event:
    """Make the chain's next event. Time never goes back in a chain: clocks differ a little."""
    event = Event(
        seq=1 if head is None else head.seq + 1,
        at=now if head is None else max(now, head.at),
        actor_kind=by.kind,
        actor_id=by.id,
        actor_email=by.email,
        action=noted.action,
        target=noted.target,
        before=written(noted.before),
        after=written(noted.after),
        address=by.address,
        request_id=by.request_id,
        previous=FIRST_PREVIOUS if head is None else head.digest,
        digest=b"",
        key_id=key.key_id,
    )
    return msgspec.structs.replace(event, digest=digest_of(key, chain, event))


def replaced_previous(chain: Chain, key: Key, event: Event, previous: bytes) -> Event:
    """Chain the event to something else."""
    moved = msgspec.structs.replace(event, previous=previous)
    return msgspec.structs.replace(moved, digest=digest_of(key, chain, moved))


def head_after(chain: Chain, key: Key, event: Event) -> Head:
    signature = _signature(key, chain, event.seq, event.digest)
    return Head(
        seq=event.seq, at=event.at, digest=event.digest, signature=signature, key_id=key.key_id
    )


def floor_at(chain: Chain, key: Key, event: Event) -> Head:
    """Give the floor once this event and those before it are gone."""
    signature = _signature(key, chain, event.seq, event.digest, b"floor")
    return Head(
        seq=event.seq, at=event.at, digest=event.digest, signature=signature, key_id=key.key_id
    )


def is_head_right(chain: Chain, keys: Sequence[Key], head: Head) -> bool:
    return _is_signed(chain, keys, head, b"head")


def is_floor_right(chain: Chain, keys: Sequence[Key], floor: Head) -> bool:
    return _is_signed(chain, keys, floor, b"floor")


def anchored(chain: Chain, keys: Sequence[Key], anchors: Sequence[Anchor]) -> dict[int, bytes]:
    """Give the digests, by number, of those that are of this chain and that we have signed."""
    found: dict[int, bytes] = {}
    for each in anchors:
        try:
            digest, signature = bytes.fromhex(each.digest), bytes.fromhex(each.signature)
        except ValueError:
            continue
        at = datetime.min.replace(tzinfo=UTC)
        head = Head(seq=each.seq, at=at, digest=digest, signature=signature, key_id=each.key_id)
        if each.chain == chain.name and is_head_right(chain, keys, head):
            found[each.seq] = digest
    return found


def _is_signed(chain: Chain, keys: Sequence[Key], held: Head, what: bytes) -> bool:
    right = [
        _signature(key, chain, held.seq, held.digest, what)
        for key in keys
        if key.key_id == held.key_id
    ]
    return any(hmac.compare_digest(each, held.signature) for each in right)


def digest_of(
    key: Key, chain: Chain, event: Event, *, seq: int | None = None, previous: bytes | None = None
) -> bytes:
    """Digest the event, as it is or as if it stood elsewhere in the chain."""
    number = event.seq if seq is None else seq
    before = event.previous if previous is None else previous
    octets = before + number.to_bytes(8, "big") + _canonical(chain, event)
    return hmac.digest(key.octets, octets, "sha256")


def _canonical(chain: Chain, event: Event) -> bytes:
    return msgspec.json.encode(
        [
            chain.name,
            event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            event.actor_kind,
            event.actor_id,
            event.actor_email,
            event.action,
            event.target,
            event.before,
            event.after,
            event.address,
            event.request_id,
            event.key_id,
        ]
    )


def _signature(key: Key, chain: Chain, seq: int, digest: bytes, what: bytes = b"head") -> bytes:
    octets = what + b"|" + chain.name.encode() + b"|" + seq.to_bytes(8, "big") + digest
    return hmac.digest(key.octets, octets, "sha256")
