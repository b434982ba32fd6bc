"""Events: signed, listed, sent until they are taken, and kept from start to start."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.stripe_double.deliveries import signed
from tests.stripe_double.kept import read_kept, write_kept
from tests.stripe_double.server import SECRET, StripeDouble
from tests.stripe_double.store import Store


async def test_a_delivery_is_signed_as_the_sdk_expects(double: StripeDouble, api: Any) -> None:
    await api.customers.create_async({"name": "Ada"})
    body, headers = signed(double.events[0], SECRET)
    event = stripe.Webhook.construct_event(body, headers["stripe-signature"], SECRET)
    assert (event.type, event.data.object.name) == ("customer.created", "Ada")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["stripe-signature"], "whsec_other")


async def test_what_was_not_taken_is_sent_again_and_can_be_listed(
    double: StripeDouble, api: Any
) -> None:
    statuses = iter([500, 200])
    receiver = httpx.MockTransport(lambda _: httpx.Response(next(statuses)))
    await api.customers.create_async({"name": "Ada"})
    undelivered: Any = {"delivery_success": False}
    async with httpx.AsyncClient(transport=receiver) as client:
        double.deliveries.url = "http://webhook.example"
        (event,) = double.deliveries.pending()
        assert not await double.deliveries.send(client, event)
        assert len((await api.events.list_async(undelivered)).data) == 1
        assert await double.deliveries.send(client, event)
    assert double.deliveries.pending() == []
    assert (await api.events.list_async(undelivered)).data == []


async def test_events_are_listed_by_type_for_thirty_days(double: StripeDouble, api: Any) -> None:
    customer = await api.customers.create_async({"name": "Ada"})
    await api.customers.update_async(customer.id, {"name": "Ada L."})
    (changed,) = (await api.events.list_async({"types": ["customer.updated"]})).data
    assert changed.data.previous_attributes.name == "Ada"
    assert (await api.events.retrieve_async(changed.id)).id == changed.id
    double.advance(days=31)
    assert (await api.events.list_async()).data == []


async def test_what_is_kept_in_a_file_is_known_again(
    double: StripeDouble, api: Any, tmp_path: Path
) -> None:
    await api.customers.create_async({"name": "Ada"})
    double.advance(days=3)
    write_kept(double.store, tmp_path / "state.json")
    again = Store()
    read_kept(again, tmp_path / "state.json")
    assert again.objects == double.store.objects
    assert again.events == double.events
    assert again.undelivered == double.store.undelivered
    assert again.clock.now() >= double.events[0]["created"] + 3 * 86_400
