"""A document by its lane is that of the application, byte for byte, and always the present one."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from control_plane.keys.actions import KeyKeeper
from control_plane.tenants.deletion import delete_tenant
from data_plane.handlers.door import MOST_IN_FLIGHT
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.data_plane.handlers.plane import PATIENCE, Plane, told
from tests.hostile.cases import DOCUMENTS, Ask, ask, read
from tests.support import MadeTenant


def held(etag: str, form: str, method: bytes, made: Ask) -> Ask:
    made.method = method
    if form:
        made.add(b"If-None-Match", form.format(etag=etag).encode())
    return made


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_it_answers_as_the_application(
    plane: Plane, tenant: MadeTenant, document: str
) -> None:
    etag = (await plane.by_application(read(tenant, document))).headers["etag"][0]
    for method in (b"GET", b"HEAD"):
        for form in ("", "{etag}", "W/{etag}", '"other", {etag}', "*", '"other"'):
            made = held(etag, form, method, read(tenant, document))
            plane.taken.clear()
            plane.known.clear()
            answers = [await plane.by_lane(made) for _ in range(3)]
            assert plane.taken == [True] * 3, form
            assert plane.known == [made.octets()] * 2, form
            expected = told(await plane.by_application(made))
            assert expected[0] == (304 if form not in {"", '"other"'} else 200), form
            assert [told(each) for each in answers] == [expected] * 3, form


async def test_metadata_before_the_path_is_the_same(plane: Plane, tenant: MadeTenant) -> None:
    made = read(tenant, "openid-configuration")
    issuer, _, name = made.target.partition(b"/.well-known/")
    made.target = b"/.well-known/" + name + issuer
    assert told(await plane.by_application(made)) == told(await plane.by_lane(made))
    assert plane.taken == [True]


UNUSUAL: dict[str, Callable[[Ask], None]] = {
    "with-a-body": lambda made: made.form("x"),
    "with-an-empty-body": lambda made: made.add(b"Content-Length", b"0"),
    "expecting": lambda made: made.add(b"Expect", b"100-continue"),
    "two-hosts": lambda made: made.add(b"Host", b"x"),
    "no-host": lambda made: made.drop(b"Host"),
    "many-headers": lambda made: made.headers.extend([(b"X-%d" % n, b"y") for n in range(120)]),
    "too-large-headers": lambda made: made.add(b"X", b"y" * 17_000),
    "holding-much": lambda made: made.add(b"If-None-Match", b'"x", ' * 100),
    "no-such-issuer": lambda made: setattr(
        made, "target", b"/t/nobody-has-this/.well-known/jwks.json"
    ),
    "no-such-document": lambda made: setattr(made, "target", made.target + b"x"),
    "escaped": lambda made: setattr(made, "target", made.target.replace(b"jwks", b"%6awks")),
    "closing": lambda made: made.add(b"Connection", b"close"),
    "of-a-browser": lambda made: setattr(made, "method", b"OPTIONS"),
    "posted": lambda made: setattr(made, "method", b"POST"),
    "put": lambda made: setattr(made, "method", b"PUT"),
}


async def test_what_is_any_different_is_left_to_the_application(
    plane: Plane, tenant: MadeTenant
) -> None:
    assert (await plane.by_lane(read(tenant, "jwks.json"))).status == 200
    for name, change in UNUSUAL.items():
        plane.taken.clear()
        made = read(tenant, "jwks.json")
        change(made)
        answers = [await plane.by_lane(made) for _ in range(2)]
        assert True not in plane.taken, name
        expected = told(await plane.by_application(made))
        assert [told(each) for each in answers] == [expected] * 2, name


async def test_a_query_means_nothing_and_a_foreign_host_neither(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = read(tenant, "openid-configuration")
    expected = told(await plane.by_application(made))
    made.target += b"?x=y"
    made.put(b"Host", b"evil.example")
    made.add(b"Origin", b"https://x.example")
    assert told(await plane.by_application(made)) == expected
    assert told(await plane.by_lane(made)) == expected
    assert plane.taken == [True]


async def test_it_is_always_the_issuers_present_one(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    made = read(tenant, "jwks.json")
    before = [await plane.by_lane(made) for _ in range(2)][1]
    keeper = KeyKeeper(database, Sealer(config.master_keys), lambda: datetime.now(UTC))
    await keeper.rotate(tenant.tenant_id)
    async with asyncio.timeout(PATIENCE):
        while (after := await plane.by_lane(made)).body == before.body:
            await asyncio.sleep(0.01)
    assert plane.known[-1] == made.octets()
    assert told(after) == told(await plane.by_application(made))
    conditional = held(before.headers["etag"][0], "{etag}", b"GET", read(tenant, "jwks.json"))
    assert told(await plane.by_lane(conditional)) == told(after)


async def test_what_is_revoked_is_in_the_feed_at_once(plane: Plane, tenant: MadeTenant) -> None:
    made = read(tenant, "revocations")
    empty = [await plane.by_lane(made) for _ in range(2)][1]
    token = (await plane.by_lane(ask(tenant, "token"))).body.split(b'"')[3].decode()
    await plane.by_application(ask(tenant, "revoke", token=token))
    full = await plane.by_lane(made)
    assert len(full.body) > len(empty.body)
    assert told(full) == told(await plane.by_application(made))
    assert plane.known[-1] == made.octets()


async def test_a_deleted_issuer_has_none(
    plane: Plane, database: Database, tenant: MadeTenant
) -> None:
    made = read(tenant, "jwks.json")
    assert [(await plane.by_lane(made)).status for _ in range(2)] == [200, 200]
    await delete_tenant(database, tenant.slug)
    async with asyncio.timeout(PATIENCE):
        while (gone := await plane.by_lane(made)).status == 200:
            await asyncio.sleep(0.01)
    assert gone.status == 404
    assert told(gone) == told(await plane.by_application(made))


async def test_a_worker_with_all_that_it_can_serve_still_gives_them(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = read(tenant, "jwks.json")
    plane.door.in_flight.count = MOST_IN_FLIGHT
    answers = [await plane.by_application(made), *[await plane.by_lane(made) for _ in range(2)]]
    assert [each.status for each in answers] == [200] * 3
    plane.door.in_flight.count = 0


async def test_a_worker_that_goes_says_so(plane: Plane, tenant: MadeTenant) -> None:
    made = read(tenant, "jwks.json")
    assert [(await plane.by_lane(made)).status for _ in range(2)] == [200, 200]
    plane.leaving.begun = True
    answer = await plane.by_lane(made)
    assert answer.closed
    assert told(answer) == told(await plane.by_application(made))
