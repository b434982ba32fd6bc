"""What a diagnosis sees of a client that is well, and how to make one that is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from control_plane.audit.rules import ActorKind, Event
from control_plane.keys.rules import HeldKey
from control_plane.support.diagnosis.seen import Asked, Seen, SeenClient, SeenSecret
from control_plane.usage.rules import FIRST_ID, LogEntry
from shared.domain.client import AuthMethod, DpopUse
from shared.domain.ids import Kid
from shared.domain.jwk import Algorithm
from shared.domain.limits import MonthlyQuota, Rate, TenantLimits
from shared.domain.snapshot import KeyState, TenantStatus

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
API, OTHER = "https://api.example", "https://other.example"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def secret(name: str = "first", expires_at: datetime | None = None) -> SeenSecret:
    return SeenSecret(name=name, last_four="ab12", created_at=ago(days=40), expires_at=expires_at)


def client(**given: Any) -> SeenClient:
    return SeenClient(
        **{
            "client_id": "c_1",
            "name": "billing worker",
            "enabled": True,
            "auth_method": AuthMethod.CLIENT_SECRET,
            "default_api": API,
            "rate": None,
            "dpop": DpopUse.OPTIONAL,
            "created_at": ago(days=40),
            "grants": {API: frozenset({"read"})},
            "secrets": (secret(),),
            **given,
        }
    )


def key(**given: Any) -> HeldKey:
    return HeldKey(
        **{
            "kid": Kid("k1"),
            "algorithm": Algorithm.ES256,
            "state": KeyState.CURRENT,
            "created_at": ago(days=3),
            "signs_at": None,
            "current_at": ago(days=3),
            "retired_at": None,
            **given,
        }
    )


def refused(error: str, reason: str, client_id: str = "c_1") -> dict[str, Any]:
    entry = LogEntry(
        id=FIRST_ID,
        at=ago(minutes=5),
        event="refused",
        client_id=client_id,
        endpoint="oauth/token",
        error=error,
        reason=reason,
        address="192.0.2.9",
        request_id="0123456789abcdef",
    )
    return {"refusal": entry}


def changed(
    action: str, at: datetime, before: str | None = None, after: str | None = None
) -> Event:
    return Event(
        seq=1,
        at=at,
        actor_kind=ActorKind.PERSON,
        actor_id="p_1",
        actor_email="ada@acme.example",
        action=action,
        target="client c_1",
        before=before,
        after=after,
        address="",
        request_id="",
        previous=b"",
        digest=b"",
        key_id="",
    )


WELL = Seen(
    now=NOW,
    suspended=None,
    status=TenantStatus.ACTIVE,
    deletes_at=None,
    limits=TenantLimits(rate=Rate(5, 10), month=MonthlyQuota(included=10_000, allowed=11_000)),
    used=500,
    applying=False,
    keys=(key(),),
    apis={API: frozenset({"read", "write"}), OTHER: frozenset({"admin"})},
    asked=Asked(client_id="c_1"),
    client=client(),
    elsewhere="",
    refusal=None,
    counts={},
    changes=(),
)


def seen(**given: Any) -> Seen:
    return msgspec.structs.replace(WELL, **given)
