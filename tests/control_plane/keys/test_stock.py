"""Keys that lie ready: nobody waits for one, and nobody gets another's."""

import asyncio
import threading
import time

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from control_plane.keys.actions import list_keys
from control_plane.keys.stock import KeyStock
from control_plane.tenancy.actions import find_tenant
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.jwk import Algorithm, PrivateKey, public_jwk
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import make_account, run_console
from tests.support import Installation, new_slug

_PATIENCE = 60.0  # seconds


def wait_until_full(stock: KeyStock, size: int) -> None:
    end = time.monotonic() + _PATIENCE
    while len(stock) < size:
        assert time.monotonic() < end, "the stock was not filled"
        time.sleep(0.01)


def test_it_is_filled_and_filled_again_and_no_key_is_given_twice() -> None:
    taken: list[PrivateKey] = []
    with KeyStock(2).kept() as stock:
        for _ in range(2):
            wait_until_full(stock, 2)
            taken += [stock.take(Algorithm.RS256) for _ in range(2)]
    assert len({public_jwk(key).kid for key in taken}) == 4
    assert all(isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048 for key in taken)


def test_an_empty_stock_makes_the_key_now() -> None:
    assert isinstance(KeyStock().take(Algorithm.RS256), rsa.RSAPrivateKey)


def test_what_costs_little_is_made_when_it_is_asked_for() -> None:
    with KeyStock(1).kept() as stock:
        wait_until_full(stock, 1)
        assert isinstance(stock.take(Algorithm.ES256), ec.EllipticCurvePrivateKey)
        assert len(stock) == 1


async def test_tenants_get_their_keys_from_it(database: Database, sealer: Sealer) -> None:
    with KeyStock(2).kept() as stock:
        await asyncio.to_thread(wait_until_full, stock, 2)
        slugs = [new_slug() for _ in range(3)]  # one more than lies ready
        made = await asyncio.gather(
            *(
                create_tenant(database, sealer, NewTenant(slug=slug, name=slug), stock.take)
                for slug in slugs
            )
        )
    kids = [{key.kid for key in await list_keys(database, tenant)} for tenant in made]
    assert [len(each) for each in kids] == [2, 2, 2]
    assert len(set.union(*kids)) == 6


async def test_the_console_keeps_it_and_gives_a_new_tenant_its_key(
    installation: Installation, database: Database
) -> None:
    stock, slug = KeyStock(1), new_slug()
    async with run_console(installation, database, "http://127.0.0.1:1", stock) as console:
        await asyncio.to_thread(wait_until_full, stock, 1)
        (lying,) = stock._ready  # noqa: SLF001 - to know it again
        account = await make_account(database)
        async with console.signed_in(account) as browser:
            await browser.post("/start", slug=slug)
    tenant = await find_tenant(database, account, slug)
    assert tenant is not None
    kids = [key.kid for key in await list_keys(database, tenant.id)]
    assert public_jwk(lying).kid in kids


def test_leaving_ends_its_thread() -> None:
    with KeyStock(1).kept() as stock:
        wait_until_full(stock, 1)
    assert "key-stock" not in {each.name for each in threading.enumerate()}
