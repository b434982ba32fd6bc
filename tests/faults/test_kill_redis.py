"""Redis killed, stopped, flushed and full while tokens are fetched (faults.md row 5)."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from control_plane.accounts.actions import create_account, set_limits
from control_plane.accounts.rules import LimitsChange
from shared.domain.limits import Rate
from shared.runtime.config import read_config
from tests.conftest import run_server
from tests.faults.load import Load, claim_of, under_load, until
from tests.support import (
    Installation,
    MadeTenant,
    Server,
    ask_token,
    introspect,
    issued_token,
    make_tenant,
    opened,
)
from tests.valkey import RunningValkey, run_valkey

_ANSWERS = 200  # during the fault, and after it
_QUICK = 10.0  # seconds, on a busy machine: nobody waits for a Redis that is stopped


@pytest.fixture
def valkey() -> Iterator[RunningValkey]:
    with run_valkey() as running:
        yield running


@pytest.fixture
def server(installation: Installation, valkey: RunningValkey) -> Iterator[Server]:
    with run_server(installation, REDIS_URL=valkey.url) as running:
        yield running


async def limited(server: Server) -> MadeTenant:
    """Make a tenant whose limit the load reaches now and then."""
    config = read_config(server.installation.environment(server.url))
    async with opened(server.installation.control_url) as database:
        account = await create_account(database, "Loaded")
        await set_limits(database, account, LimitsChange(rate=Rate(100, 200)))
        return await make_tenant(database, config, account=account)


FAULTS: dict[str, tuple[Callable[[RunningValkey], object], Callable[[RunningValkey], object]]] = {
    "killed": (lambda valkey: valkey.kill(), lambda valkey: valkey.start()),
    "stopped": (
        lambda valkey: valkey.signal(signal.SIGSTOP),
        lambda valkey: valkey.signal(signal.SIGCONT),
    ),
    "flushed": (lambda valkey: valkey.client.flushall(), lambda _: None),
    "full": (
        lambda valkey: valkey.client.config_set("maxmemory", "1"),
        lambda valkey: valkey.client.config_set("maxmemory", "0"),
    ),
}


async def more_answers(load: Load) -> None:
    seen = len(load.answers)
    await until(lambda: len(load.answers) >= seen + _ANSWERS, "nobody is answered", 30)


@pytest.mark.parametrize("fault", FAULTS)
async def test_nobody_meets_an_error_and_nothing_that_was_revoked_comes_back(
    server: Server, valkey: RunningValkey, fault: str
) -> None:
    tenant = await limited(server)
    strike, heal = FAULTS[fault]
    async with httpx.AsyncClient(timeout=_QUICK) as http:
        token = await issued_token(http, tenant)
        revocation = {"token": token}
        revoked = await http.post(
            f"{tenant.issuer}/oauth/revoke", data=revocation, auth=tenant.basic
        )
        assert revoked.status_code == 200
        assert claim_of(token, "jti")
        async with under_load(tenant) as load:
            strike(valkey)
            await more_answers(load)
            assert (await introspect(http, tenant, token)).json() == {"active": False}
            heal(valkey)
            await more_answers(load)
        assert (await introspect(http, tenant, token)).json() == {"active": False}
    assert set(load.statuses()) <= {200, 429}
    assert (load.cut, load.refused) == (0, 0)
    assert max(each.seconds for each in load.answers) < _QUICK


async def test_the_plane_starts_without_its_redis_and_finds_it_later(
    installation: Installation, valkey: RunningValkey
) -> None:
    valkey.kill()
    with run_server(installation, REDIS_URL=valkey.url) as server:
        tenant = await limited(server)
        async with httpx.AsyncClient(timeout=_QUICK) as http:
            assert (await ask_token(http, tenant)).status_code == 200
            valkey.start()
            end = time.monotonic() + 30
            while not valkey.client.keys(f"*{tenant.tenant_id}*"):
                assert time.monotonic() < end, "Redis was not found"
                assert (await ask_token(http, tenant)).status_code in {200, 429}
                await asyncio.sleep(0.05)
