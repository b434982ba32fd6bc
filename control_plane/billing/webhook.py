"""Where Stripe delivers its events: checked, stored, answered; what they ask for comes after."""

import re
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency

from control_plane.billing.books import store_event
from control_plane.billing.records import ReceivedEvent
from control_plane.billing.signature import is_signed
from control_plane.http.clock import Clock
from control_plane.http.given import GivenConfig
from shared.runtime.database import Database

_LARGEST_EVENT = 256 * 1024  # octets; ours are a few thousand
_ID = re.compile(r"evt_[A-Za-z0-9_]{1,250}")
_TYPE = re.compile(r"[a-z0-9_.]{1,100}")


class _Event(msgspec.Struct, frozen=True):
    id: str
    type: str
    livemode: bool
    data: dict[str, msgspec.Raw]


@post(
    "/webhooks/stripe",
    opt={"outside": True},  # it is signed
    status_code=200,
    request_max_body_size=_LARGEST_EVENT,
)
async def take_stripe_event(
    request: Request[Any, Any, Any],
    config: GivenConfig,
    database: NamedDependency[Database],
    clock: NamedDependency[Clock],
) -> Response[dict[str, str]]:
    """200 where it is stored, now or before; 400 where it is not Stripe's or cannot be read."""
    body = await request.body()
    header = request.headers.get("stripe-signature", "")
    now = int(clock().timestamp())
    if not is_signed(header, body, config.stripe_webhook_secrets, now):
        return Response({"error": "not signed"}, status_code=400)
    event = _read(body)
    if event is None:
        return Response({"error": "not an event"}, status_code=400)
    async with database.control() as connection:
        new = await store_event(connection, event)
    return Response({"status": "stored" if new else "stored before"})


def _read(body: bytes) -> ReceivedEvent | None:
    try:
        event = msgspec.json.decode(body, type=_Event)
        text = body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not (_ID.fullmatch(event.id) and _TYPE.fullmatch(event.type)):
        return None
    return ReceivedEvent(id=event.id, type=event.type, livemode=event.livemode, body=text)


WEBHOOKS = [take_stripe_event]
