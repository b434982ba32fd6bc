"""Row B17: an assertion is good once, whichever worker it meets."""

import asyncio

import httpx
import pytest

from tests.assertions import (
    SigningClient,
    ask_by_assertion,
    make_signing_client,
    signing_client_of,
)
from tests.support import Server, introspect

_AT_ONCE = 50


@pytest.fixture(scope="module")
def signing(server: Server) -> SigningClient:
    return signing_client_of(server)


async def test_b17_fifty_at_once_and_exactly_one_is_served(signing: SigningClient) -> None:
    assertion = signing.assertion()
    fresh = httpx.Limits(max_keepalive_connections=0)  # so that every worker is met
    async with httpx.AsyncClient(timeout=30, limits=fresh) as http:
        answers = await asyncio.gather(
            *(ask_by_assertion(http, signing, assertion) for _ in range(_AT_ONCE))
        )
    statuses = [each.status_code for each in answers]
    assert statuses.count(200) == 1
    assert statuses.count(401) == _AT_ONCE - 1
    assert {each.text for each in answers if each.status_code == 401} == {
        '{"error":"invalid_client","error_description":"client authentication failed"}'
    }


async def test_b17_it_is_spent_at_every_endpoint(
    http: httpx.AsyncClient, signing: SigningClient
) -> None:
    assertion = signing.assertion()
    assert (await ask_by_assertion(http, signing, assertion)).status_code == 200
    for endpoint in ("token", "introspect", "revoke"):
        url = f"{signing.tenant.issuer}/oauth/{endpoint}"
        form = {
            "grant_type": "client_credentials",
            "token": "x",
            "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        assert (await http.post(url, data=form)).status_code == 401


async def test_b17_one_that_is_refused_is_not_spent(
    http: httpx.AsyncClient, signing: SigningClient
) -> None:
    """Somebody who sees an assertion cannot spend it by sending it with a broken signature."""
    claims = signing.claims()
    head, body, signature = signing.sign(claims).split(".")
    broken = f"{head}.{body}.{signature[::-1]}"
    assert (await ask_by_assertion(http, signing, broken)).status_code == 401
    assert (await ask_by_assertion(http, signing, signing.sign(claims))).status_code == 200


async def test_b17_the_same_jti_of_two_clients_is_two(
    http: httpx.AsyncClient, server: Server, signing: SigningClient
) -> None:
    other = await make_signing_client(server, signing.tenant)
    for client in (signing, other):
        answer = await ask_by_assertion(http, client, client.assertion(jti="the-same"))
        assert answer.status_code == 200, answer.text


async def test_b11_a_client_with_a_secret_cannot_sign(
    http: httpx.AsyncClient, signing: SigningClient
) -> None:
    holder = signing.tenant.client.client_id
    assertion = signing.assertion(iss=holder, sub=holder)
    assert (await ask_by_assertion(http, signing, assertion)).status_code == 401


async def test_b16_a_legacy_client_may_name_the_token_endpoint(
    http: httpx.AsyncClient, server: Server, signing: SigningClient
) -> None:
    client = await make_signing_client(server, signing.tenant, legacy_assertions=True)
    for audience in (signing.tenant.token_endpoint, signing.tenant.issuer):
        answer = await ask_by_assertion(http, client, client.assertion(aud=audience))
        assert answer.status_code == 200, answer.text
    both = [signing.tenant.token_endpoint, signing.tenant.issuer]
    assert (await ask_by_assertion(http, client, client.assertion(aud=both))).status_code == 401


async def test_its_token_is_its_own(http: httpx.AsyncClient, signing: SigningClient) -> None:
    answer = await ask_by_assertion(http, signing, signing.assertion())
    form = {
        "token": answer.json()["access_token"],
        "client_assertion": signing.assertion(),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    found = await http.post(f"{signing.tenant.issuer}/oauth/introspect", data=form)
    assert found.json()["active"] is True
    assert found.json()["client_id"] == signing.client_id
    foreign = await introspect(http, signing.tenant, answer.json()["access_token"])
    assert foreign.json() == {"active": False}
