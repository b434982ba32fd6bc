"""The support app beside a shop: books of a double of Stripe, in a database of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.control_plane.billing.conftest import (
    billed,
    billed_installation,
    catalogue_at_stripe,
    shop,
)
from tests.control_plane.billing.shop import Shop
from tests.control_plane.support_app import Support, run_support
from tests.support import Installation

__all__ = ["billed", "billed_installation", "catalogue_at_stripe", "shop"]


@pytest.fixture
async def support(billed_installation: Installation, shop: Shop) -> AsyncIterator[Support]:
    async with run_support(billed_installation, shop.database) as running:
        yield running
