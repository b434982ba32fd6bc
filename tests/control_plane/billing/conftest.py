"""A database and a console of its own: in another, jobs and books would be everybody's."""

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import pytest

from control_plane.billing.catalogue import sync
from control_plane.billing.stripe_gateway import StripeGateway
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.control_plane.billing.shop import Shop
from tests.stripe_double.server import run_stripe_double
from tests.support import Installation, opened


@pytest.fixture(scope="session")
def billed_installation(postgres: EmbeddedPostgres) -> Installation:
    return new_installation(postgres.url)


@pytest.fixture
async def billed(billed_installation: Installation) -> AsyncIterator[Database]:
    async with opened(billed_installation.control_url) as database:
        yield database


@pytest.fixture(scope="session")
def catalogue_at_stripe() -> dict[str, Any]:
    """What `stripe sync` makes there: asked for once, and copied for each test."""

    async def make() -> dict[str, Any]:
        with run_stripe_double() as double:
            stripe = StripeGateway(double.key, double.url)
            await sync(stripe)
            await stripe.close()
            return double.store.objects

    return asyncio.run(make())


@pytest.fixture
async def shop(billed: Database, catalogue_at_stripe: dict[str, Any]) -> AsyncIterator[Shop]:
    with run_stripe_double() as double:
        double.store.objects.update(deepcopy(catalogue_at_stripe))
        made = Shop(billed, double)
        yield made
        await made.stripe.close()
