"""Row B22: a thousand wrong secrets lock out the guesser, and not the owner."""

import asyncio
from base64 import b64encode
from secrets import token_hex

import httpx
import pytest

from tests.support import MadeTenant, ask_token, basic_header

_WORKERS = 2  # of the server; each counts for itself
_GUESSES = 10
_TOO_MANY = ("too_many_requests", 429)


def guess(secret: str, client_id: str, **headers: str) -> dict[str, str]:
    credentials = b64encode(f"{client_id}:{secret}".encode()).decode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Authorization": f"Basic {credentials}"} | named


async def ask(
    http: httpx.AsyncClient, tenant: MadeTenant, headers: dict[str, str]
) -> httpx.Response:
    form = {"grant_type": "client_credentials"}
    return await http.post(tenant.token_endpoint, data=form, headers=headers)


async def lock_out(http: httpx.AsyncClient, tenant: MadeTenant) -> list[httpx.Response]:
    """Guess a thousand times, each with another forged address."""
    limit = asyncio.Semaphore(20)

    async def once(number: int) -> httpx.Response:
        forged = f"10.{number % 250}.{number // 250}.7, 2001:db8:{number:x}::1"
        headers = guess(f"as_cs_{token_hex(8)}", tenant.client.client_id, X_Forwarded_For=forged)
        async with limit:
            return await ask(http, tenant, headers)

    return await asyncio.gather(*(once(number) for number in range(1_000)))


@pytest.fixture
def fresh() -> httpx.AsyncClient:
    """A new connection for each request, so that every worker is met."""
    return httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke"])
async def test_b22_after_ten_guesses_the_right_secret_is_refused_too(
    http: httpx.AsyncClient, tenant: MadeTenant, endpoint: str
) -> None:
    """Over one connection, so at one worker."""
    url = f"{tenant.issuer}/oauth/{endpoint}"
    form = {"grant_type": "client_credentials", "token": "x"}
    client_id = tenant.client.client_id
    for number in range(_GUESSES):
        answer = await http.post(url, data=form, headers=basic_header(client_id, f"no-{number}"))
        assert answer.status_code == 401
    locked = await http.post(url, data=form, headers=basic_header(*tenant.basic))
    assert (locked.json()["error"], locked.status_code) == _TOO_MANY
    assert 1 <= int(locked.headers["retry-after"]) <= 60
    assert locked.headers["cache-control"] == "no-store"


async def test_b22_a_thousand_guesses_from_forged_addresses_lock_out_the_guesser_alone(
    fresh: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    async with fresh as http:
        answers = await lock_out(http, tenant)
    statuses = [each.status_code for each in answers]
    assert set(statuses) <= {401, 429}
    assert statuses.count(401) <= _WORKERS * _GUESSES
    owner = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(transport=owner) as elsewhere:
        for _ in range(5):
            assert (await ask_token(elsewhere, tenant)).status_code == 200


async def test_b22_one_wrong_secret_sent_all_day_locks_nobody_out(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    wrong = basic_header(tenant.client.client_id, "as_cs_of_last_year")
    for _ in range(3 * _GUESSES):
        assert (await ask(http, tenant, wrong)).status_code == 401
    assert (await ask_token(http, tenant)).status_code == 200


async def test_b22_an_unknown_client_is_locked_out_as_a_known_one_is(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    unknown = f"c_{token_hex(8)}"
    for number in range(_GUESSES):
        assert (await ask(http, tenant, basic_header(unknown, f"no-{number}"))).status_code == 401
    answer = await ask(http, tenant, basic_header(unknown, "another"))
    assert (answer.json()["error"], answer.status_code) == _TOO_MANY
