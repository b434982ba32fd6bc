"""A double for each test, and Stripe's own SDK as its client."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import stripe

from tests.stripe_double.server import StripeDouble, run_stripe_double
from tests.stripe_double.shop import Shop


@pytest.fixture
def double() -> Iterator[StripeDouble]:
    with run_stripe_double() as running:
        yield running


@pytest.fixture
async def api(double: StripeDouble) -> AsyncIterator[Any]:
    """The SDK's services of version 1; it tries nothing twice."""
    connection = stripe.HTTPXClient()
    client = stripe.StripeClient(
        double.key,
        base_addresses={"api": double.url},
        max_network_retries=0,
        http_client=connection,
    )
    yield client.v1
    await connection.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
async def shop(double: StripeDouble, api: Any, browser: httpx.AsyncClient) -> Shop:
    return await Shop.open(double, api, browser)
