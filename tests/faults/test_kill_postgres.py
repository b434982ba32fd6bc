"""PostgreSQL ended by kill -9 while tokens are fetched, and started again (faults.md row 1)."""

import asyncio
import logging
import time
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from tests.conftest import run_server
from tests.faults.books import assert_recorded_once
from tests.faults.conftest import Cluster, served_tenant
from tests.faults.load import Answered, Load, claim_of, under_load, until, until_true
from tests.support import Installation, MadeTenant, Server, ask_token, introspect, issued_token

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_OUTAGE = 2.0  # seconds
_QUICK = 5.0  # seconds, on a busy machine: nobody waits for a database that is away
_BACK = 60.0  # seconds from the return of the database to full service, on a busy machine
_WORKERS = 2  # of `bereaved`


@pytest.fixture
def bereaved(own_installation: Installation) -> Iterator[Server]:
    with run_server(own_installation, workers=_WORKERS) as server:
        yield server


async def have_every_worker_hold(server: Server, tenant: MadeTenant, token: str) -> None:
    """Ask over fresh connections until each worker has read the tenant and the client.

    However many are asked at once may all meet the one worker that a busy machine has started.
    """

    async def each_holds_it() -> bool:
        async with httpx.AsyncClient() as http:
            assert (await introspect(http, tenant, token)).json()["active"] is True
            metrics = (await http.get(f"{server.url}/metrics")).text
            return f"issuers_held {_WORKERS:.1f}\n" in metrics

    await until_true(each_holds_it, "not every worker holds the tenant")


async def ask_what_is_held(tenant: MadeTenant, token: str) -> dict[str, int]:
    """Ask for everything that needs no database; give the answers' status codes."""
    async with httpx.AsyncClient(timeout=_QUICK) as http:
        documents = {
            path: (await http.get(f"{tenant.issuer}/.well-known/{path}")).status_code
            for path in ("jwks.json", "openid-configuration", "oauth-authorization-server")
        }
        answer = await introspect(http, tenant, token)
        assert answer.json().get("active") is True, answer.text
        return {**documents, "introspect": answer.status_code}


async def ask_what_is_not_held(tenant: MadeTenant) -> dict[str, tuple[int, bool]]:
    """Ask as a client and of a tenant that no worker has seen: status, and is there Retry-After."""
    stranger = msgspec.structs.replace(
        tenant.client, client_id="c_neverseen0000000", client_secret="as_cs_never"
    )
    nowhere = tenant.issuer.replace(tenant.slug, "never-seen")
    async with httpx.AsyncClient(timeout=_QUICK) as http:
        answers = {
            "client": await ask_token(http, msgspec.structs.replace(tenant, client=stranger)),
            "tenant": await http.get(f"{nowhere}/.well-known/jwks.json"),
        }
    return {
        name: (each.status_code, "Retry-After" in each.headers) for name, each in answers.items()
    }


async def endure(cluster: Cluster, tenant: MadeTenant, token: str) -> tuple[float, float]:
    """Kill the database, look at the outage from all sides, give its start and its end."""
    await asyncio.to_thread(cluster.kill)
    start = time.monotonic()
    while time.monotonic() < start + _OUTAGE:
        assert set((await ask_what_is_held(tenant, token)).values()) == {httpx.codes.OK}
        unavailable = (httpx.codes.SERVICE_UNAVAILABLE, True)
        assert set((await ask_what_is_not_held(tenant)).values()) == {unavailable}
    return start, time.monotonic()


def assert_served(answers: list[Answered]) -> float:
    """Each was a token, at once; give the slowest's seconds."""
    assert answers, "nothing was asked during the outage"
    assert {each.status for each in answers} == {httpx.codes.OK}
    slowest = max(each.seconds for each in answers)
    assert slowest < _QUICK, f"an answer took {slowest:.2f} s"
    return slowest


async def served_again(load: Load, back_at: float) -> float:
    """Wait until only tokens are answered; give the seconds since the database came back."""
    enough = 50

    def only_tokens() -> bool:
        latest = load.answers[-enough:]
        return len(latest) == enough and all(
            each.asked_at > back_at and each.status == httpx.codes.OK for each in latest
        )

    await until(only_tokens, "no full service", _BACK)
    return load.answers[-enough].asked_at - back_at


async def test_tokens_are_issued_while_postgres_is_dead_and_each_is_in_the_ledger_once(
    cluster: Cluster, bereaved: Server
) -> None:
    async with served_tenant(bereaved) as tenant, httpx.AsyncClient() as http:
        token = await issued_token(http, tenant)
        jti = claim_of(token, "jti")
        await have_every_worker_hold(bereaved, tenant, token)
        async with under_load(tenant) as load:
            start, end = await endure(cluster, tenant, token)
            await asyncio.to_thread(cluster.start)
            back_at = time.monotonic()
            seconds = await served_again(load, back_at)
        during = load.asked_between(start, end)
        slowest = assert_served(during)
        _log.info("slowest answer %.3f s; full service %.2f s after return", slowest, seconds)
        assert set(load.statuses()) == {httpx.codes.OK}
        assert (load.cut, load.refused) == (0, 0)
        recorded = await assert_recorded_once(bereaved.installation, [*load.jtis, jti])
        figures = len(load.jtis), len(during), recorded
        _log.info("%d answered, %d of them in the outage, all there after %.2f s", *figures)
        await until_true(lambda: nothing_is_missing(bereaved), "readyz says degraded", _BACK)


async def nothing_is_missing(server: Server) -> bool:
    async with httpx.AsyncClient() as http:
        return bool((await http.get(f"{server.url}/readyz")).json()["status"] == "ok")


async def test_readyz_names_the_database_while_it_is_away_and_livez_stays_well(
    cluster: Cluster, bereaved: Server
) -> None:
    await asyncio.to_thread(cluster.kill)
    try:

        async def names_it() -> bool:
            async with httpx.AsyncClient() as http:
                assert (await http.get(f"{bereaved.url}/livez")).status_code == httpx.codes.OK
                return bool((await http.get(f"{bereaved.url}/readyz")).json()["missing"])

        await until_true(names_it, "readyz does not name what is missing", 2 * _BACK)
    finally:
        await asyncio.to_thread(cluster.start)
    await until_true(lambda: nothing_is_missing(bereaved), "readyz says degraded", _BACK)
