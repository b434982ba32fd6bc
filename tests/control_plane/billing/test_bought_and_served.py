"""From the payment to the limits that the data plane keeps to: real workers, and no restart."""

import logging
import time
from typing import Any

import httpx
import pytest

from shared.domain.plan import PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.control_plane.billing.shop import OWNER, Shop
from tests.stripe_double.server import run_stripe_double
from tests.support import make_tenant

_PATIENCE = 60.0  # seconds; the promise is for one, and what it takes is in the log
_log = logging.getLogger(__name__)


@pytest.mark.usefixtures("server")
async def test_what_is_bought_holds_at_every_worker(
    database: Database, config: Config, catalogue_at_stripe: dict[str, Any]
) -> None:
    with run_stripe_double() as double:
        double.store.objects.update(catalogue_at_stripe)
        shop = Shop(database, double)
        account = await shop.new_account()
        tenant = await make_tenant(database, config, account=account)

        async def burst() -> set[str]:
            """Give what eight new connections are told of the rate."""
            told = set()
            for _ in range(8):
                async with httpx.AsyncClient() as client:
                    answer = await client.post(
                        f"{tenant.issuer}/oauth/token",
                        data={"grant_type": "client_credentials"},
                        auth=(tenant.client.client_id, tenant.client.client_secret),
                    )
                told.add(answer.headers.get("ratelimit-policy", "").partition(",")[0])
            return told

        async def is_told(policy: str) -> float:
            began = time.monotonic()
            while await burst() != {policy}:
                assert time.monotonic() - began < _PATIENCE
            return time.monotonic() - began

        await is_told('"rate";q=10;w=2')
        await shop.buy(account, PlanName.SCALE)
        await shop.deliver_all()
        _log.warning("bought is served after %.3f s", await is_told('"rate";q=1000;w=2'))
        await shop.billing.cancel(account, OWNER, shop.now)
        double.advance(days=32)
        await shop.deliver_all()
        await is_told('"rate";q=10;w=2')
        await shop.stripe.close()
