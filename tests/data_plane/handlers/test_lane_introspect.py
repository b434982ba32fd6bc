"""Introspection by its lane says what the application says, byte for byte, and decides each time.

What is remembered is that a signature was right, and by which version of the issuer's keys.
"""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import jwt
import pytest

from control_plane.clients.actions import change_client, disable_client, register_client
from control_plane.clients.rules import ClientChange, NewClient
from control_plane.keys.actions import KeyKeeper
from data_plane.handlers.door import MOST_IN_FLIGHT
from data_plane.signing import JwtSigner
from shared.domain.ids import Kid
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.data_plane.handlers.plane import PATIENCE, Plane, take, told
from tests.faults.books import owner_of
from tests.hostile.cases import Ask, ask, authenticate, basic
from tests.support import Installation, MadeTenant, make_tenant

JWT = b"application/token-introspection+jwt"
INACTIVE = b'{"active":false}'
_COUNTED = "SELECT sum(count) FROM ledger.usage WHERE tenant = $1 AND event = 'introspected'"


async def issued(plane: Plane, tenant: MadeTenant) -> str:
    """Give a token; from then on its client is recognised."""
    answer = await plane.by_application(ask(tenant, "token"))
    return str(json.loads(answer.body)["access_token"])


async def heard(plane: Plane, made: Ask) -> bytes:
    """Ask both ways; give the body that both say."""
    by_lane, by_application = await plane.by_lane(made), await plane.by_application(made)
    assert told(by_lane) == told(by_application)
    assert by_lane.status == 200
    return by_lane.body


async def until_heard(plane: Plane, made: Ask, status: int, body: bytes = b"") -> None:
    """Ask until it is heard, with whatever body where none is given; both ways then."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await plane.by_lane(made)
            if (answer.status, answer.body) == (status, body or answer.body):
                break
            await asyncio.sleep(0.01)
    assert told(answer) == told(await plane.by_application(made))


async def test_it_answers_as_the_application(plane: Plane, tenant: MadeTenant) -> None:
    made = ask(tenant, "introspect", token=await issued(plane, tenant))
    answers = [await plane.by_lane(made) for _ in range(3)]
    assert plane.taken == [True] * 3
    assert plane.known == [made.octets()] * 2
    expected = told(await plane.by_application(made))
    assert json.loads(expected[2])["active"] is True
    assert [told(each) for each in answers] == [expected] * 3


async def test_a_client_that_has_not_proved_itself_is_left_to_the_application(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    made = ask(tenant, "introspect", token=await issued(plane, tenant))
    new = NewClient(name="guard", apis=(), serves=(tenant.audience,))
    guard = await register_client(database, config.secret_peppers, tenant.tenant_id, new)
    made.put(b"Authorization", basic(guard.client_id, guard.client_secret))
    first = await plane.by_lane(made)
    assert plane.taken == [False]
    assert json.loads(first.body)["client_id"] == tenant.client.client_id
    async with asyncio.timeout(PATIENCE):
        while not plane.known:  # the new client is a new version, which may be heard of meanwhile
            assert told(await plane.by_lane(made)) == told(first)


UNUSUAL: dict[str, Callable[[Ask], None]] = {
    "for-a-jwt": lambda made: made.add(b"Accept", JWT),
    "another-secret": lambda made: made.put(b"Authorization", b"Basic eDp5"),
    "no-secret": lambda made: made.drop(b"Authorization"),
    "of-another-client": lambda made: made.form("client_id=c_another"),
    "proved-twice": lambda made: made.form("client_secret=x"),
    "asserted-too": lambda made: made.form("client_assertion=x"),
    "without-a-token": lambda made: setattr(made, "body", b"token="),
    "two-tokens": lambda made: made.form("token=x"),
    "malformed": lambda made: made.form("x=%zz"),
    "nul": lambda made: made.form("x=%00"),
    "compressed": lambda made: made.add(b"Content-Encoding", b"gzip"),
    "foreign-host": lambda made: made.put(b"Host", b"evil.example"),
    "in-the-query": lambda made: setattr(made, "target", made.target + b"?a=b"),
    "another-type": lambda made: made.put(b"Content-Type", b"application/json"),
    "two-authorizations": lambda made: made.add(b"Authorization", b"Basic eA=="),
    "large-body": lambda made: made.form("x=" + "y" * 9_000),
    "too-large-body": lambda made: made.form("x=" + "y" * 17_000),
    "no-such-issuer": lambda made: setattr(made, "target", b"/t/nobody-has-this/oauth/introspect"),
    "closing": lambda made: made.add(b"Connection", b"close"),
    "put": lambda made: setattr(made, "method", b"PUT"),
}


async def test_what_is_any_different_is_left_to_the_application(
    plane: Plane, tenant: MadeTenant
) -> None:
    token = await issued(plane, tenant)
    assert (await plane.by_lane(ask(tenant, "introspect", token=token))).status == 200
    for name, change in UNUSUAL.items():
        plane.taken.clear()
        made = ask(tenant, "introspect", token=token)
        change(made)
        answers = [await plane.by_lane(made) for _ in range(2)]
        assert True not in plane.taken, name
        by_application = await plane.by_application(made)
        if name == "for-a-jwt":  # each signature of a second differs in nothing, the next's does
            assert {each.status for each in (*answers, by_application)} == {200}
            continue
        assert [told(each) for each in answers] == [told(by_application)] * 2, name


async def test_a_form_that_is_a_proof_elsewhere_proves_nothing_as_a_token(
    plane: Plane, tenant: MadeTenant
) -> None:
    proving = ask(tenant, "token", "post")
    for _ in range(2):
        assert (await plane.by_lane(proving)).status == 200
    made = ask(tenant, "introspect", "none")
    made.body = b"token=" + proving.body.replace(b"=", b"%3D").replace(b"&", b"%26")
    refused = await plane.by_lane(made)
    assert refused.status == 401
    assert told(refused) == told(await plane.by_application(made))


async def test_what_is_no_token_of_the_issuers_is_inactive_and_not_remembered(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    other = await make_tenant(database, config)
    token = await issued(plane, tenant)
    signed, _, signature = token.rpartition(".")
    swapped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for each in ("x", f"{signed}.{swapped}", await issued(plane, other), token + "x"):
        made = ask(tenant, "introspect", token=each)
        assert [await heard(plane, made) for _ in range(3)] == [INACTIVE] * 3
    assert plane.taken == [True] * 12
    assert plane.known == []


async def test_many_that_ask_at_once_hear_of_their_own_tokens(
    plane: Plane, tenant: MadeTenant
) -> None:
    tokens = [await issued(plane, tenant) for _ in range(40)]  # more than are verified in a turn
    asked = [ask(tenant, "introspect", token=each) for each in (*tokens, "x", tokens[0] + "x")]
    heard = [take(plane, each) for each in asked]
    async with asyncio.timeout(PATIENCE):
        answers = [(await each.answered)[0].partition(b"\r\n\r\n")[2] for each in heard]
    expected = [jwt.decode(each, options={"verify_signature": False})["jti"] for each in tokens]
    assert [json.loads(each).get("jti") for each in answers] == [*expected, None, None]


async def test_where_nothing_can_be_verified_everybody_is_told(
    plane: Plane, tenant: MadeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("the key is broken")

    told: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, all_: told.append(all_["exception"]))
    made = ask(tenant, "introspect", token=await issued(plane, tenant))
    monkeypatch.setattr(JwtSigner, "verify", broken)
    heard = [take(plane, made) for _ in range(3)]
    async with asyncio.timeout(PATIENCE):
        answers = [(await each.answered)[0] for each in heard]
    assert all(each.startswith(b"HTTP/1.1 503 ") for each in answers)
    assert [str(each) for each in told] == ["the key is broken"]


async def test_a_token_is_of_one_issuer_however_often_it_was_verified(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    other = await make_tenant(database, config)
    token = await issued(plane, tenant)
    await issued(plane, other)
    for _ in range(2):
        assert await heard(plane, ask(tenant, "introspect", token=token)) != INACTIVE
        assert await heard(plane, ask(other, "introspect", token=token)) == INACTIVE


async def test_what_is_revoked_is_inactive_at_once(plane: Plane, tenant: MadeTenant) -> None:
    token = await issued(plane, tenant)
    made = ask(tenant, "introspect", token=token)
    assert [await heard(plane, made) for _ in range(2)] != [INACTIVE] * 2
    assert (await plane.by_application(ask(tenant, "revoke", token=token))).status == 200
    assert await heard(plane, made) == INACTIVE
    assert plane.known[-1] == made.octets()


async def test_what_has_expired_is_inactive(
    plane: Plane, tenant: MadeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await issued(plane, tenant)
    made = ask(tenant, "introspect", token=token)
    assert [await heard(plane, made) for _ in range(2)] != [INACTIVE] * 2
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    for at, active in ((expires - 1, True), (expires, False)):
        clock = SimpleNamespace(time=lambda at=at: at, time_ns=time.time_ns)
        monkeypatch.setattr("data_plane.app.time", clock)
        assert (await heard(plane, made) != INACTIVE) is active
        assert plane.known[-1] == made.octets()


async def test_a_key_that_is_gone_has_signed_nothing(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    token = await issued(plane, tenant)
    made = ask(tenant, "introspect", token=token)
    assert [await heard(plane, made) for _ in range(2)] != [INACTIVE] * 2
    keeper = KeyKeeper(database, Sealer(config.master_keys), lambda: datetime.now(UTC))
    await keeper.revoke(tenant.tenant_id, Kid(jwt.get_unverified_header(token)["kid"]))
    await until_heard(plane, made, 200, INACTIVE)


async def test_a_client_that_is_disabled_asks_in_vain(
    plane: Plane, database: Database, tenant: MadeTenant
) -> None:
    made = ask(tenant, "introspect", token=await issued(plane, tenant))
    assert [await heard(plane, made) for _ in range(2)] != [INACTIVE] * 2
    await disable_client(database, tenant.tenant_id, tenant.client.client_id)
    await until_heard(plane, made, 401)


async def test_who_may_see_a_token_is_decided_each_time(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    token = await issued(plane, tenant)
    new = NewClient(name="guard", apis=(), serves=(tenant.audience,))
    guard = await register_client(database, config.secret_peppers, tenant.tenant_id, new)
    made = ask(tenant, "introspect", "none", token)
    authenticate(made, "basic", guard.client_id, guard.client_secret)
    bodies = [await heard(plane, made) for _ in range(3)]
    assert json.loads(bodies[-1])["active"] is True
    change = ClientChange(serves=(), apis=(tenant.audience,))
    await change_client(database, tenant.tenant_id, guard.client_id, change)
    await until_heard(plane, made, 200, INACTIVE)


async def test_a_site_that_guesses_hears_nothing_by_what_is_known_either(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = ask(tenant, "introspect", token=await issued(plane, tenant))
    assert [await heard(plane, made) for _ in range(2)] != [INACTIVE] * 2
    client_id, secret = tenant.basic
    for number in range(12):
        wrong = ask(tenant, "introspect")
        wrong.put(b"Authorization", basic(client_id, f"{secret[:-2]}{number:02}"))
        await plane.by_lane(wrong)
    plane.taken.clear()
    refused = await plane.by_lane(made)
    assert (refused.status, plane.taken) == (429, [False])
    assert refused.body == (await plane.by_application(made)).body


async def test_one_more_than_the_worker_can_serve_is_turned_away(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = ask(tenant, "introspect", token=await issued(plane, tenant))
    assert [await heard(plane, made) for _ in range(2)] != [INACTIVE] * 2
    plane.door.in_flight.count = MOST_IN_FLIGHT
    refused = await plane.by_lane(made)
    assert told(refused) == told(await plane.by_application(made))
    assert refused.status == 503
    plane.door.in_flight.count = 0
    assert await heard(plane, made) != INACTIVE


async def test_each_is_counted(
    plane: Plane, installation: Installation, tenant: MadeTenant
) -> None:
    made = ask(tenant, "introspect", token=await issued(plane, tenant))
    for _ in range(3):
        await plane.by_lane(made)
    await plane.by_application(made)
    async with owner_of(installation) as owner, asyncio.timeout(PATIENCE):
        while (counted := await owner.fetchval(_COUNTED, tenant.tenant_id) or 0) < 4:
            await asyncio.sleep(0.05)
    assert counted == 4
