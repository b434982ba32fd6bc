"""Stripe's API: the one module that knows its SDK.

Every change goes with an idempotency key that the caller makes of our own ids: whoever is killed
and tries again changes nothing twice. Answers are read into the structs of `rules`.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
import stripe

from control_plane.billing.rules import BillingRefused
from control_plane.billing.seen import Price, Seen, SeenInvoice
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_TIMEOUT = 10.0  # seconds
_TRIES_MORE = 2  # the SDK's, half a second and more apart
_PAGE = 100
_SENT_BEFORE = "duplicate_meter_event"
_OURS_TO_MEND = (401, 403)
_LATER = (0, 409, 429)  # no answer; the same request is under way; too many
_THEIR_FAULT = 500  # and above

Struct = TypeVar("Struct")
Params = Mapping[str, Any]


class StripeAway(BillingRefused):
    """Stripe does not answer, or not just now; it may have done what it was asked all the same."""

    def __init__(self) -> None:
        super().__init__("Stripe does not answer just now: nothing was changed, try again shortly")


class StripeRefused(BillingRefused):
    """Stripe refuses what it was asked; its words to the customer are the message."""

    def __init__(self, words: str, code: str = "") -> None:
        super().__init__(words)
        self.code = code


class Session(msgspec.Struct, frozen=True):
    """A page of Stripe's that somebody is sent to."""

    id: str
    url: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was listed, with its whole JSON."""

    id: str
    type: str
    livemode: bool
    created: int
    body: str


class _Summary(msgspec.Struct, frozen=True):
    aggregated_value: float


class StripeGateway:
    """One for each process; `close` it. Raises StripeAway or StripeRefused, each method."""

    def __init__(self, key: str, url: str) -> None:
        # both log every URL, and with it ids of customers, at INFO
        for name in ("stripe", "httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.is_live = "_live_" in key
        self._http: Any = stripe.HTTPXClient(timeout=_TIMEOUT)
        client = stripe.StripeClient(
            key,
            base_addresses={"api": url, "meter_events": url},
            max_network_retries=_TRIES_MORE,
            http_client=self._http,
        )
        self._v1: Any = client.v1  # its parameters are checked by the tests' double, at run time

    async def close(self) -> None:
        await self._http.close_async()

    # what is sold

    async def prices(self) -> list[Price]:
        """List all prices, those that are sold no more too."""
        return await self._all(self._v1.prices.list_async, {}, Price)

    async def products(self) -> list[dict[str, Any]]:
        return await self._all(self._v1.products.list_async, {}, dict[str, Any])

    async def meters(self) -> list[dict[str, Any]]:
        return await self._all(self._v1.billing.meters.list_async, {}, dict[str, Any])

    async def add_product(self, given: Params, key: str) -> None:
        await self._change(self._v1.products.create_async, given, key)

    async def rename_product(self, product: str, name: str) -> None:
        await self._call(self._v1.products.update_async, product, {"name": name})

    async def add_price(self, given: Params, key: str) -> Price:
        made: Price = await self._change(self._v1.prices.create_async, given, key, into=Price)
        return made

    async def add_meter(self, given: Params, key: str) -> str:
        made = await self._change(self._v1.billing.meters.create_async, given, key)
        return str(made["id"])

    # what a customer has

    async def add_customer(self, given: Params, key: str) -> str:
        made = await self._change(self._v1.customers.create_async, given, key)
        return str(made["id"])

    async def customer(self, customer: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._call(
            self._v1.customers.retrieve_async, customer, {"expand": ["tax_ids"]}
        )
        return found

    async def set_customer(self, customer: str, given: Params) -> None:
        await self._call(self._v1.customers.update_async, customer, given)

    async def subscriptions_of(self, customer: str) -> list[Seen]:
        """List all that the customer has or had."""
        given = {"customer": customer, "status": "all", "expand": ["data.schedule"]}
        return await self._all(self._v1.subscriptions.list_async, given, Seen)

    async def invoices_of(self, customer: str) -> list[SeenInvoice]:
        return await self._all(self._v1.invoices.list_async, {"customer": customer}, SeenInvoice)

    async def preview(self, given: Params) -> dict[str, Any]:
        """Give the invoice that a change, or the period's end, would make."""
        found: dict[str, Any] = await self._call(self._v1.invoices.create_preview_async, given)
        return found

    async def begin_subscription(self, given: Params, key: str) -> None:
        await self._change(self._v1.subscriptions.create_async, given, key)

    async def change_subscription(self, subscription: str, given: Params, key: str) -> None:
        await self._change(self._v1.subscriptions.update_async, given, key, subscription)

    async def end_subscription(self, subscription: str, key: str) -> None:
        await self._change(self._v1.subscriptions.cancel_async, {}, key, subscription)

    async def schedule_from(self, subscription: str, key: str) -> dict[str, Any]:
        made: dict[str, Any] = await self._change(
            self._v1.subscription_schedules.create_async, {"from_subscription": subscription}, key
        )
        return made

    async def set_schedule(self, schedule: str, given: Params, key: str) -> None:
        await self._change(self._v1.subscription_schedules.update_async, given, key, schedule)

    async def release_schedule(self, schedule: str, key: str) -> None:
        """Leave the subscription as it is, without what was to come."""
        await self._change(self._v1.subscription_schedules.release_async, {}, key, schedule)

    # pages of Stripe's

    async def begin_checkout(self, given: Params, key: str) -> Session:
        create = self._v1.checkout.sessions.create_async
        begun: Session = await self._change(create, given, key, into=Session)
        return begun

    async def open_portal(self, customer: str, return_url: str) -> str:
        given = {"customer": customer, "return_url": return_url}
        return str((await self._call(self._v1.billing_portal.sessions.create_async, given))["url"])

    # usage and events

    async def send_usage(
        self, event_name: str, identifier: str, customer: str, tokens: int, at: int
    ) -> None:
        """Send it. Within a day Stripe itself counts an identifier once."""
        given = {
            "event_name": event_name,
            "identifier": identifier,
            "timestamp": at,
            "payload": {"stripe_customer_id": customer, "value": str(tokens)},
        }
        try:
            await self._change(self._v1.billing.meter_events.create_async, given, identifier)
        except StripeRefused as refusal:
            if refusal.code != _SENT_BEFORE:
                raise

    async def metered(self, meter: str, customer: str, start: datetime, end: datetime) -> int:
        """Sum up what was counted of the customer in [start, end), both at whole minutes."""
        list_of = self._v1.billing.meters.event_summaries.list_async
        given = {
            "customer": customer,
            "start_time": int(start.timestamp()),
            "end_time": int(end.timestamp()),
        }
        found = await self._all(lambda asked: list_of(meter, asked), given, _Summary)
        return round(sum(each.aggregated_value for each in found))

    async def events_since(self, created: int) -> AsyncIterator[Event]:
        """Give the events that Stripe keeps (30 days), the newest first."""
        given = {"created": {"gte": created}}
        for each in await self._all(self._v1.events.list_async, given, dict[str, Any]):
            body = msgspec.json.encode(each, enc_hook=str).decode()
            yield msgspec.convert({**each, "body": body}, Event)

    async def _change(
        self,
        call: Any,
        given: Params,
        key: str,
        *of: str,
        into: Any = dict[str, Any],
    ) -> Any:
        """Change something; the key is good for these parameters alone."""
        asked = msgspec.json.encode([*of, given], order="deterministic", enc_hook=str)
        options = {"idempotency_key": f"{key}-{sha256(asked).hexdigest()[:16]}"}
        return _read(await self._answered(call(*of, params=dict(given), options=options)), into)

    async def _call(self, call: Any, *arguments: Any) -> Any:
        return _read(await self._answered(call(*arguments)), dict[str, Any])

    async def _all(self, call: Any, given: Params, into: type[Struct]) -> list[Struct]:
        """Read all pages."""
        page = await self._answered(call({"limit": _PAGE, **given}))
        found: list[Struct] = [_read(each, into) for each in page.data]
        while page.has_more:
            more = {"limit": _PAGE, "starting_after": page.data[-1].id, **given}
            page = await self._answered(call(more))
            found += [_read(each, into) for each in page.data]
        return found

    async def _answered(self, call: Any) -> Any:
        try:
            return await call
        except stripe.StripeError as error:
            raise _refusal(error) from error
        except AttributeError as error:  # the SDK's, of an answer that is not Stripe's: a proxy's
            raise StripeAway from error


def open_gateway(key: str | None, url: str) -> StripeGateway | None:
    """Give one where there is a key; None where nothing is sold."""
    return None if key is None else StripeGateway(key, url)


def _read(answer: Any, into: Any) -> Any:
    try:
        return msgspec.convert(answer.to_dict(), into, strict=False, dec_hook=_decimal)
    except msgspec.ValidationError as error:
        _log.exception("Stripe's answer is of no shape that we know")
        raise StripeRefused(f"Stripe's answer is of no shape that we know: {error}") from error


def _decimal(_: type, value: object) -> Decimal:
    return Decimal(str(value))


def _refusal(error: stripe.StripeError) -> BillingRefused:
    status = error.http_status or 0
    told = fields(status=status, code=error.code, request=error.request_id)
    if status in _LATER or status >= _THEIR_FAULT:
        _log.warning("Stripe is away", extra=told)
        return StripeAway()
    if status in _OURS_TO_MEND:
        _log.error("Stripe refuses our key", extra=told)
        return StripeRefused("Stripe refuses our key: we have noted it")
    _log.warning("Stripe refused", extra=told)
    return StripeRefused(error.user_message or "Stripe refuses this", error.code or "")
