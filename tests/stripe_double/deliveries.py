"""Events on their way to a webhook, signed as Stripe signs them."""

import asyncio
import json
from collections.abc import Callable

import httpx
from stripe import WebhookSignature

from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON

_LOOK_EVERY = 0.05  # seconds
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before an event is sent again
_PATIENCE = 10.0  # seconds


def signed(event: JSON, secret: str, at: int | None = None) -> tuple[bytes, dict[str, str]]:
    """Give body and headers of a delivery. `at`: by the receiver's clock, the machine's own."""
    body = json.dumps(event, indent=2)
    header = WebhookSignature.generate_signature_header(body, secret, at)
    return body.encode(), {
        "content-type": "application/json; charset=utf-8",
        "stripe-signature": header,
    }


class Deliveries:
    """What goes to one webhook. Nothing goes by itself until `run` does it."""

    def __init__(self, store: Store, url: str | None, secret: str) -> None:
        self._store = store
        self.url = url
        self.secret = secret
        self.statuses: list[tuple[str, int | None]] = []  # event id, None where nobody answered

    def pending(self) -> list[JSON]:
        """Give what was not taken yet, in the order in which it happened."""
        undelivered = self._store.undelivered
        return [each for each in list(self._store.events) if each["id"] in undelivered]

    async def send(self, client: httpx.AsyncClient, event: JSON) -> bool:
        """Tell whether it was taken."""
        body, headers = signed(event, self.secret)
        try:
            answer = await client.post(self.url or "", content=body, headers=headers)
        except httpx.TransportError:
            self.statuses.append((event["id"], None))
            return False
        self.statuses.append((event["id"], answer.status_code))
        if not answer.is_success:
            return False
        self._store.undelivered.discard(event["id"])
        event["pending_webhooks"] = 0
        return True

    async def run(self, changed: Callable[[], object]) -> None:
        """Send what comes, and again what was not taken; `changed` has time-outs happen first."""
        waits: dict[str, tuple[float, float]] = {}  # event -> when again, and how long after that
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(timeout=_PATIENCE) as client:
            while True:
                changed()
                for event in self.pending():
                    again, wait = waits.get(event["id"], (0.0, _FIRST_WAIT))
                    if again > loop.time():
                        continue
                    if not await self.send(client, event):
                        waits[event["id"]] = loop.time() + wait, min(2 * wait, _LONGEST_WAIT)
                await asyncio.sleep(_LOOK_EVERY)
