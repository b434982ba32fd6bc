"""How a request is read and answered: shapes, keys, idempotency, pages of lists, faults."""

from typing import Any

import pytest
import stripe

from control_plane.billing.catalogue import sync
from control_plane.billing.stripe_gateway import StripeGateway
from tests.stripe_double.faults import Fault
from tests.stripe_double.server import StripeDouble
from tests.stripe_double.shop import METER, Shop


@pytest.mark.parametrize(
    ("asked", "code", "param"),
    [
        ({"e_mail": "a@example.com"}, "parameter_unknown", "e_mail"),
        ({"address": {"town": "x"}}, "parameter_unknown", "address[town]"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance"),
        ({"tax_exempt": "perhaps"}, None, "tax_exempt"),
        ({"tax_id_data": [{"type": "eu_vat"}]}, "parameter_missing", "tax_id_data[0][value]"),
    ],
)
async def test_a_field_that_is_not_stripes_is_refused(
    api: Any, asked: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.customers.create_async(asked)
    assert (refused.value.code, refused.value.param) == (code, param)


async def test_who_has_no_key_hears_nothing(api: Any) -> None:
    with pytest.raises(stripe.AuthenticationError):
        await api.customers.list_async({}, {"api_key": "pk_wrong"})


async def test_a_key_has_one_answer_for_one_request_for_a_day(
    double: StripeDouble, api: Any
) -> None:
    key: Any = {"idempotency_key": "k"}
    first = await api.customers.create_async({"name": "Ada"}, key)
    again = await api.customers.create_async({"name": "Ada"}, key)
    assert again.id == first.id
    with pytest.raises(stripe.IdempotencyError):
        await api.customers.create_async({"name": "Eve"}, key)
    double.advance(days=1, seconds=1)
    assert (await api.customers.create_async({"name": "Eve"}, key)).id != first.id


async def test_a_lost_answer_was_worked_for_and_is_given_again(
    double: StripeDouble, api: Any
) -> None:
    double.faults.add(Fault(lost=True))
    key: Any = {"idempotency_key": "k"}
    with pytest.raises(stripe.APIConnectionError):
        await api.customers.create_async({"name": "Ada"}, key)
    (made,) = double.store.all("customer")
    assert (await api.customers.create_async({"name": "Ada"}, key)).id == made["id"]
    assert len(double.store.all("customer")) == 1


async def test_a_bad_day_is_told_as_stripe_tells_it(double: StripeDouble, api: Any) -> None:
    double.faults.add(Fault(status=429))
    with pytest.raises(stripe.RateLimitError):
        await api.customers.list_async()
    double.faults.add(Fault(status=500, method="POST", times=None))
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await api.customers.create_async({"name": "Ada"})
    assert (await api.customers.list_async()).data == []  # GETs are well
    double.faults.clear()
    assert (await api.customers.create_async({"name": "Ada"})).name == "Ada"


async def test_a_list_is_given_in_pages_the_newest_first(api: Any) -> None:
    made = [(await api.customers.create_async({"name": str(n)})).id for n in range(5)]
    page = await api.customers.list_async({"limit": 2})
    assert page.has_more
    assert [each.id async for each in page.auto_paging_iter()] == made[::-1]
    before = await api.customers.list_async({"ending_before": made[0], "limit": 2})
    assert [each.id for each in before.data] == made[2:0:-1]


async def test_a_lookup_key_is_held_by_one_price_until_it_is_transferred(
    shop: Shop, api: Any
) -> None:
    held = await api.prices.retrieve_async(shop.prices["growth_monthly"])
    asked: Any = {
        "product": held.product,
        "currency": "usd",
        "unit_amount": 10_900,
        "recurring": {"interval": "month"},
        "lookup_key": "growth_monthly",
    }
    with pytest.raises(stripe.InvalidRequestError):
        await api.prices.create_async(asked)
    fresh = await api.prices.create_async(asked | {"transfer_lookup_key": True})
    found = await api.prices.list_async({"lookup_keys": ["growth_monthly", "starter_monthly"]})
    assert {each.id for each in found.data} == {fresh.id, shop.prices["starter_monthly"]}


async def test_a_meter_event_counts_once(shop: Shop, api: Any) -> None:
    await shop.use(700, "one")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await shop.use(700, "one")
    assert refused.value.code == "duplicate_meter_event"
    await shop.use(300, "two")
    shop.double.advance(days=1, seconds=1)
    await shop.use(5, "one")  # forgotten after a day, as at Stripe
    now = shop.double.store.clock.now() // 60 * 60 + 60
    of = {"customer": shop.customer, "start_time": now - 172_800, "end_time": now}
    (summary,) = (await api.billing.meters.event_summaries.list_async(shop.meter, of)).data
    assert summary.aggregated_value == 1005


@pytest.mark.parametrize(
    ("late", "code"), [(-36, "timestamp_too_far_in_past"), (1, "timestamp_in_future")]
)
async def test_a_meter_event_of_another_time_is_refused(
    shop: Shop, api: Any, late: int, code: str
) -> None:
    at = shop.double.store.clock.now() + late * 86_400
    payload = {"stripe_customer_id": shop.customer, "value": "1"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.billing.meter_events.create_async(
            {"event_name": METER, "payload": payload, "timestamp": at}
        )
    assert refused.value.code == code


async def test_our_catalogue_is_made_once(double: StripeDouble) -> None:
    gateway = StripeGateway(double.key, double.url)
    try:
        first, again = await sync(gateway), await sync(gateway)
    finally:
        await gateway.close()
    assert {each.outcome for each in first} == {"created"}
    assert {each.outcome for each in again} == {"left"}
