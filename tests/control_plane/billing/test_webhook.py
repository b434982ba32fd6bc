"""Where Stripe delivers: hostile-inputs.md J1 to J5 and J10. What comes of events is elsewhere."""

import asyncio
import hmac
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import func, select, text
from stripe import WebhookSignature

from shared.runtime.config import ConfigError, read_config
from shared.runtime.database import Database
from shared.runtime.tables.billing import stripe_event
from tests.control_plane.applications import console_of, running
from tests.control_plane.console import CONSOLE_URL
from tests.support import Installation

_SECRET, _OTHER = "whsec_one", "whsec_two"
_PATH = "/webhooks/stripe"
_DELIVERIES = int(os.environ.get("DELIVERIES", "180"))  # the promise is for 10,000
_EXPECTED = {"good": 200, "again": 200, "forged": 400, "changed": 400, "old": 400, "early": 400}


@pytest.fixture
async def stripe_side(billed_installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    environment = billed_installation.environment() | {
        "CONSOLE_URL": CONSOLE_URL,
        "STRIPE_API_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRET": f"{_SECRET}, {_OTHER}",
        "STRIPE_API_BASE": "http://127.0.0.1:1",
    }
    application: Any = console_of(environment)
    async with running(application):
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url=CONSOLE_URL) as client:
            yield client


def event(**changed: object) -> dict[str, object]:
    return {
        "id": f"evt_{token_hex(8)}",
        "type": "customer.subscription.updated",
        "livemode": False,
        "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1"}},
        **changed,
    }


async def deliver(
    client: httpx.AsyncClient,
    body: bytes,
    secret: str = _SECRET,
    ahead: int = 0,
    sent: bytes | None = None,
) -> httpx.Response:
    """Deliver it, signed so many seconds ahead; `sent` in its place, where it is changed then."""
    signed = WebhookSignature.generate_signature_header(
        body.decode("utf-8", "surrogateescape"), secret, int(time.time()) + ahead
    )
    content = body if sent is None else sent
    return await client.post(_PATH, content=content, headers={"Stripe-Signature": signed})


async def stored(database: Database, event_id: object) -> int:
    async with database.control() as connection:
        found = await connection.scalar(select(func.count()).where(stripe_event.c.id == event_id))
    return int(found or 0)


async def jobs_of(database: Database, event_id: object) -> int:
    query = text("SELECT count(*) FROM jobs.procrastinate_jobs WHERE args->>'event_id' = :id")
    async with database.control() as connection:
        return int(await connection.scalar(query, {"id": event_id}) or 0)


@pytest.mark.parametrize("secret", [_SECRET, _OTHER])
async def test_an_event_is_stored_with_its_job_under_either_secret(
    stripe_side: httpx.AsyncClient, billed: Database, secret: str
) -> None:
    given = event()
    answer = await deliver(stripe_side, msgspec.json.encode(given), secret)
    assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
    assert await stored(billed, given["id"]) == await jobs_of(billed, given["id"]) == 1


async def test_a_hundred_deliveries_twenty_at_once_are_one_event_and_one_job(
    stripe_side: httpx.AsyncClient, billed: Database
) -> None:
    given = event()
    body = msgspec.json.encode(given)
    for _ in range(5):
        answers = await asyncio.gather(*(deliver(stripe_side, body) for _ in range(20)))
        assert {each.status_code for each in answers} == {200}
    assert await stored(billed, given["id"]) == await jobs_of(billed, given["id"]) == 1


async def test_what_is_not_signed_or_not_now_is_400_and_not_stored(
    stripe_side: httpx.AsyncClient, billed: Database
) -> None:
    given = event()
    body = msgspec.json.encode(given)
    answers = [
        await stripe_side.post(_PATH, content=body),
        await stripe_side.post(_PATH, content=body, headers={"Stripe-Signature": "t=1,v0=aa"}),
        await deliver(stripe_side, body, "whsec_wrong"),
        await deliver(stripe_side, body, ahead=-310),
        await deliver(stripe_side, body, ahead=3600),
    ]
    assert [each.status_code for each in answers] == [400] * 5
    assert await stored(billed, given["id"]) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"\x00",
        msgspec.json.encode(event(id="evt_\x00")),
        msgspec.json.encode(event(id="evt_" + "a" * 300)),
        msgspec.json.encode(event(type="A type")),
        msgspec.json.encode(event(livemode="no")),
        b'{"id":"evt_1","type":"a","livemode":false,"data":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    ],
    ids=["empty", "cut", "list", "bytes", "NUL", "id NUL", "long", "type", "livemode", "deep"],
)
async def test_what_is_signed_and_no_event_is_400(
    stripe_side: httpx.AsyncClient, body: bytes
) -> None:

    now = int(time.time())
    made = hmac.digest(_SECRET.encode(), f"{now}.".encode() + body, "sha256").hex()
    headers = {"Stripe-Signature": f"t={now},v1={made}"}
    answer = await stripe_side.post(_PATH, content=body, headers=headers)
    assert answer.status_code == 400


async def test_of_many_deliveries_the_good_are_one_effect_each_and_the_hostile_none(
    stripe_side: httpx.AsyncClient, billed: Database
) -> None:
    """DELIVERIES=10000 sends so many: good, once more, forged, changed on the way, old, early."""
    run, answers = token_hex(6), Counter[tuple[str, int]]()

    async def send(kind: str, number: int) -> None:
        good = msgspec.json.encode(event(id=f"evt_{run}_good_{number}"))
        bad = msgspec.json.encode(event(id=f"evt_{run}_{kind}_{number}"))
        place = number % len(bad)
        changed = bad[:place] + bytes([bad[place] ^ 1]) + bad[place + 1 :]
        answer = await {
            "good": lambda: deliver(stripe_side, good),
            "again": lambda: deliver(stripe_side, good),
            "forged": lambda: deliver(stripe_side, bad, "whsec_wrong"),
            "changed": lambda: deliver(stripe_side, bad, sent=changed),
            "old": lambda: deliver(stripe_side, bad, ahead=-310),
            "early": lambda: deliver(stripe_side, bad, ahead=310),
        }[kind]()
        answers[kind, answer.status_code] += 1

    rounds = _DELIVERIES // len(_EXPECTED)
    for first in range(0, rounds, 5):
        numbers = range(first, min(first + 5, rounds))
        await asyncio.gather(*(send(kind, number) for kind in _EXPECTED for number in numbers))
    assert answers == dict.fromkeys(_EXPECTED.items(), rounds)
    good = sorted(f"evt_{run}_good_{number}" for number in range(rounds))
    events = "SELECT id FROM control.stripe_event WHERE id LIKE :run ORDER BY 1"
    jobs = """
    SELECT args->>'event_id' FROM jobs.procrastinate_jobs
    WHERE args->>'event_id' LIKE :run ORDER BY 1
    """
    async with billed.control() as connection:
        for query in (events, jobs):
            found = await connection.scalars(text(query), {"run": f"evt_{run}%"})
            assert sorted(found) == good


async def test_a_megabyte_is_413(stripe_side: httpx.AsyncClient) -> None:
    answer = await deliver(stripe_side, msgspec.json.encode(event(padding="x" * 2**20)))
    assert answer.status_code == 413


async def test_200_kilobytes_are_taken(stripe_side: httpx.AsyncClient) -> None:
    answer = await deliver(stripe_side, msgspec.json.encode(event(padding="x" * 200_000)))
    assert answer.status_code == 200


@pytest.mark.parametrize("secret", ["", "sk_test_x", "whsec_", "whsec_a,", "whsec_a, b"])
def test_the_start_is_refused_with_no_secret_of_stripes(secret: str) -> None:
    environment = Installation(owner_url="", control_url="postgresql://", data_url="").environment()
    given = {"STRIPE_API_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": secret}
    with pytest.raises(ConfigError, match="STRIPE_WEBHOOK_SECRET"):
        read_config(environment | given)
