"""The lane answers as the application does, takes what it should, and leaves it all the rest."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from control_plane.clients.actions import change_client, disable_client
from control_plane.clients.rules import ClientChange
from control_plane.usage.actions import latencies_of
from data_plane.handlers.door import MOST_IN_FLIGHT
from data_plane.signing import JwtSigner
from shared.domain.jws import OpenedKey
from shared.domain.latency import EVENTS
from shared.domain.limits import Rate
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.clients import set_client
from tests.data_plane.handlers.plane import PATIENCE, Plane, take
from tests.hostile.cases import Answer, Ask, ask
from tests.support import MadeTenant, make_tenant

_ONE_AT_A_TIME = Rate(per_second=1, burst=1)


def likeness(answer: Answer) -> Any:
    """Give of an answer all that two tokens of one decision have in common."""
    names = sorted(set(answer.headers) - {"date"})
    body = json.loads(answer.body)
    if "access_token" not in body:
        return answer.status, names, body
    header, payload, _ = body.pop("access_token").split(".")
    claims = json.loads(urlsafe_b64decode(payload + "=="))
    lifetime = claims["exp"] - claims["iat"]
    for each in ("jti", "iat", "exp"):
        assert claims.pop(each)
    return answer.status, names, body, header, claims, lifetime


@pytest.mark.parametrize("way", ["basic", "post"])
@pytest.mark.parametrize("rate", [None, Rate(per_second=100, burst=100)], ids=["free", "limited"])
async def test_from_the_second_time_on_it_answers_as_the_application(
    plane: Plane, database: Database, tenant: MadeTenant, way: str, rate: Rate | None
) -> None:
    if rate is not None:
        change = ClientChange(rate=rate)
        await change_client(database, tenant.tenant_id, tenant.client.client_id, change)
    made = ask(tenant, "token", way)
    answers = [await plane.by_lane(made) for _ in range(3)]
    assert plane.taken == [False, True, True]
    expected = likeness(await plane.by_application(made))
    assert expected[0] == 200
    assert [likeness(each) for each in answers] == [expected] * 3


async def test_how_long_each_token_took_is_counted_for_its_tenant(
    plane: Plane, database: Database, tenant: MadeTenant
) -> None:
    made, wrong = ask(tenant, "token"), ask(tenant, "token")
    wrong.put(b"Authorization", b"Basic eDp5")
    answers = [await plane.by_lane(made) for _ in range(3)]
    answers += [await plane.by_application(made), await plane.by_lane(wrong)]
    assert [each.status for each in answers] == [200] * 4 + [401]
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.tenant(tenant.tenant_id) as connection:
                counted = await latencies_of(connection, datetime.now(UTC).date())
            if sum(counted.values()) >= 4:
                break
            await asyncio.sleep(0.05)
    assert sum(counted.values()) == 4
    assert set(counted) <= set(EVENTS)


async def test_over_a_limit_it_refuses_as_the_application(
    plane: Plane, database: Database, tenant: MadeTenant
) -> None:
    change = ClientChange(rate=_ONE_AT_A_TIME)
    await change_client(database, tenant.tenant_id, tenant.client.client_id, change)
    made = ask(tenant, "token")
    answers = [await plane.by_lane(made) for _ in range(6)]
    refused = answers[-1]
    assert (refused.status, plane.taken[-1]) == (429, True)
    assert likeness(refused) == likeness(await plane.by_application(made))


UNUSUAL: dict[str, Callable[[Ask], None]] = {
    "another-scope": lambda made: made.form("scope=read"),
    "dpop": lambda made: made.add(b"DPoP", b"x"),
    "compressed": lambda made: made.add(b"Content-Encoding", b"gzip"),
    "foreign-host": lambda made: made.put(b"Host", b"evil.example"),
    "in-the-query": lambda made: setattr(made, "target", made.target + b"?a=b"),
    "another-type": lambda made: made.put(b"Content-Type", b"application/json"),
    "two-authorizations": lambda made: made.add(b"Authorization", b"Basic eA=="),
    "another-secret": lambda made: made.put(b"Authorization", b"Basic eDp5"),
    "many-headers": lambda made: made.headers.extend([(b"X-%d" % n, b"y") for n in range(60)]),
    "large-headers": lambda made: made.add(b"X", b"y" * 9_000),
    "too-large-headers": lambda made: made.add(b"X", b"y" * 17_000),
    "large-body": lambda made: made.form("x=" + "y" * 9_000),
    "too-large-body": lambda made: made.form("x=" + "y" * 17_000),
    "no-such-issuer": lambda made: setattr(made, "target", b"/t/nobody-has-this/oauth/token"),
    "no-issuer": lambda made: setattr(made, "target", b"/t//oauth/token"),
    "closing": lambda made: made.add(b"Connection", b"close"),
}


@pytest.mark.parametrize("change", UNUSUAL.values(), ids=UNUSUAL.keys())
async def test_what_is_any_different_is_left_to_the_application(
    plane: Plane, tenant: MadeTenant, change: Callable[[Ask], None]
) -> None:
    for _ in range(2):
        assert (await plane.by_lane(ask(tenant, "token"))).status == 200
    plane.taken.clear()
    made = ask(tenant, "token")
    change(made)
    answer = await plane.by_lane(made)
    assert True not in plane.taken
    assert likeness(answer) == likeness(await plane.by_application(made))


@pytest.mark.parametrize("use", ["required", "nonce_required"])
async def test_without_the_proof_that_a_client_owes_it_gets_nothing_however_often_it_asks(
    plane: Plane, database: Database, tenant: MadeTenant, use: str
) -> None:
    """RFC 9449 section 5. What was decided on the form is known from the second time on."""
    await set_client(database, tenant.tenant_id, tenant.client.client_id, dpop=use)
    made = ask(tenant, "token")
    answers = [await plane.by_lane(made) for _ in range(4)]
    expected = likeness(await plane.by_application(made))
    assert (expected[0], expected[2]["error"]) == (400, "invalid_dpop_proof")
    assert [likeness(each) for each in answers] == [expected] * 4
    assert True not in plane.taken


async def test_the_same_octets_are_not_read_once_more(plane: Plane, tenant: MadeTenant) -> None:
    made = ask(tenant, "token")
    made.add(b"X-Forwarded-For", b"203.0.113.7")
    answers = [await plane.by_lane(made) for _ in range(4)]
    assert plane.taken == [False, True, True, True]
    assert plane.known == [made.octets()] * 2
    assert [likeness(each) for each in answers] == [likeness(answers[0])] * 4
    tokens = {json.loads(each.body)["access_token"] for each in answers}
    assert len(tokens) == 4


async def test_what_is_refused_is_not_kept(plane: Plane, tenant: MadeTenant) -> None:
    for _ in range(2):
        assert (await plane.by_lane(ask(tenant, "token"))).status == 200
    wrong = ask(tenant, "token")
    wrong.put(b"Authorization", b"Basic eDp5")
    for _ in range(3):
        assert (await plane.by_lane(wrong)).status == 401
    assert plane.known == []


async def test_what_was_changed_is_decided_anew(
    plane: Plane, database: Database, tenant: MadeTenant
) -> None:
    made = ask(tenant, "token")
    for _ in range(2):
        assert (await plane.by_lane(made)).status == 200
    await disable_client(database, tenant.tenant_id, tenant.client.client_id)
    async with asyncio.timeout(PATIENCE):
        while (await plane.by_lane(made)).status == 200:
            await asyncio.sleep(0.01)
    assert (await plane.by_lane(made)).status == 401


async def test_each_issuer_has_its_own(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    other = await make_tenant(database, config)
    for each in (tenant, other):
        for _ in range(2):
            assert (await plane.by_lane(ask(each, "token"))).status == 200
    plane.taken.clear()
    made = ask(tenant, "token")
    made.target = ask(other, "token").target  # with the credentials of the first
    assert (await plane.by_lane(made)).status == 401
    assert plane.taken == [False]


async def test_a_worker_that_goes_tells_its_clients(plane: Plane, tenant: MadeTenant) -> None:
    for _ in range(2):
        assert (await plane.by_lane(ask(tenant, "token"))).status == 200
    plane.leaving.begun = True
    answer = await plane.by_lane(ask(tenant, "token"))
    assert (answer.status, answer.header("connection")) == (200, "close")


async def test_what_arrives_together_is_answered_each_by_its_own(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    asked = [ask(each, "token") for each in (tenant, await make_tenant(database, config))]
    for each in asked * 2:
        assert (await plane.by_lane(each)).status == 200
    heard = [take(plane, each) for each in asked * 10]
    async with asyncio.timeout(PATIENCE):
        answers = [(await each.answered)[0].partition(b"\r\n\r\n")[2] for each in heard]
    tokens = [json.loads(each)["access_token"] for each in answers]
    issuers = [json.loads(urlsafe_b64decode(each.split(".")[1] + "=="))["iss"] for each in tokens]
    expected = [f"{config.public_url}{each.target.decode()}" for each in asked * 10]
    assert [f"{each}/oauth/token" for each in issuers] == expected
    assert len(set(tokens)) == 20
    assert plane.door.in_flight.count == 0


async def test_where_nothing_can_be_signed_everybody_is_told(
    plane: Plane, tenant: MadeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ask(tenant, "token")
    for _ in range(2):
        assert (await plane.by_lane(made)).status == 200

    def broken(_: bytes) -> bytes:
        raise ValueError("the key is broken")

    told: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, all_: told.append(all_["exception"]))
    monkeypatch.setattr(JwtSigner, "key", lambda *_: OpenedKey(b"", broken))
    heard = [take(plane, made) for _ in range(3)]
    async with asyncio.timeout(PATIENCE):
        answers = [(await each.answered)[0] for each in heard]
    assert all(each.startswith(b"HTTP/1.1 503 ") for each in answers)
    assert [str(each) for each in told] == ["the key is broken"]
    assert plane.door.in_flight.count == 0


async def test_whom_a_worker_serves_while_it_begins_to_go_is_told(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = ask(tenant, "token")
    for _ in range(2):
        assert (await plane.by_lane(made)).status == 200
    connection = take(plane, made)
    connection.is_last = True  # while the record is being kept
    async with asyncio.timeout(PATIENCE):
        message, close = await connection.answered
    assert b"\r\nconnection: close\r\n" in message
    assert close


async def test_one_more_than_the_worker_can_serve_is_turned_away(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = ask(tenant, "token")
    for _ in range(2):
        assert (await plane.by_lane(made)).status == 200
    plane.door.in_flight.count = MOST_IN_FLIGHT
    refused = await plane.by_lane(made)
    assert likeness(refused) == likeness(await plane.by_application(made))
    assert (refused.status, refused.header("retry-after")) == (503, "1")
    plane.door.in_flight.count = 0
    assert (await plane.by_lane(made)).status == 200
