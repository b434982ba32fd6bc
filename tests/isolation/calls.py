"""How the twins call: as each plane does for tenant B, with the ids of tenant A."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.apis import repository as apis
from control_plane.apis.rules import NewApi
from control_plane.clients import repository as clients
from control_plane.clients.rules import ApiGrant, NewClient
from control_plane.keys import actions as key_actions
from control_plane.keys import repository as keys
from control_plane.secrets import repository as secrets
from control_plane.secrets.rules import AskedSecret
from data_plane.protocol.once import Once
from data_plane.protocol.revocation import DenySet
from data_plane.protocol.served_issuer import ServedIssuer, serve_issuer
from data_plane.store.batch import gather
from data_plane.store.clients import StoredClients
from data_plane.store.feed import PublishedFeed
from data_plane.store.guesses import RedisGuesses
from data_plane.store.issued_counts import StoredIssuedCounts
from data_plane.store.leases import RedisLeases
from data_plane.store.pool import Connection, Pool
from data_plane.store.recorder import Recorder
from data_plane.store.refusals import NotedRefusals
from data_plane.store.replays import StoredReplays
from data_plane.store.revoked import StoredRevocations
from data_plane.store.secret_uses import StoredSecretUses
from data_plane.store.shared_redis import SharedRedis
from data_plane.store.snapshots import StoredSnapshots
from data_plane.store.usage import StoredUsage
from shared.domain.ids import ClientId
from shared.domain.jwk import Algorithm
from shared.domain.limits import Rate
from shared.domain.snapshot import IssuerSnapshot, TenantStatus
from shared.runtime.sealing import Sealer
from shared.runtime.secrets import make_client_secret
from tests.isolation.patient_pool import opened_pool
from tests.isolation.populated import WORKLOAD, Both, revocation_of
from tests.ledgers import issued, opened_ledger
from tests.valkey import run_valkey

Twin: TypeAlias = Callable[[Both], Awaitable[object]]
FROM_THE_FIRST = "0"  # a transaction id before every other
NO_CLIENT = ClientId("")


def in_control_plane(
    call: Callable[[AsyncConnection, Both], Awaitable[object]],
) -> Twin:
    """Call as the control plane does for tenant B: in one transaction under B's role."""

    async def twin(both: Both) -> object:
        async with both.database.tenant(both.b.tenant_id) as connection:
            return await call(connection, both)

    return twin


def with_pool(call: Callable[[Pool, Both], Awaitable[object]]) -> Twin:
    async def twin(both: Both) -> object:
        async with opened_pool(both.installation.data_url) as pool:
            return await call(pool, both)

    return twin


def in_data_plane(call: Callable[[Connection, Both], Awaitable[object]]) -> Twin:
    """Call as the data plane does for tenant B: in one transaction under B's role."""

    async def call_with(pool: Pool, both: Both) -> object:
        async with pool.tenant(both.b.tenant_id) as connection:
            return await call(connection, both)

    return with_pool(call_with)


def new_api(both: Both) -> NewApi:
    return NewApi(identifier=both.a.tenant.audience, name="B's", scopes={}, token_lifetime=60)


async def add_client(connection: AsyncConnection, both: Both) -> None:
    """Add a client that has the id of one of A's, for an API of B's that has the id of A's."""
    identifier = both.a.tenant.audience
    await apis.add_api(connection, new_api(both))
    grants = (ApiGrant(api=identifier, scopes=frozenset()),)
    new = NewClient(name="B's", apis=(identifier,))
    await clients.add_client(connection, both.a.client_id, new, grants, b"{}")


async def add_secret(connection: AsyncConnection, both: Both) -> None:
    await add_client(connection, both)
    secret = make_client_secret(both.config.secret_peppers)
    await secrets.add_secret(connection, both.a.client_id, secret, AskedSecret(name="B's"))


async def add_key(connection: AsyncConnection, both: Both) -> None:
    key = key_actions.make_signing_key(Algorithm.EDDSA, both.a.tenant_id, sealer(both))
    await keys.add_current_key(connection, key)


async def add_next_key(connection: AsyncConnection, both: Both) -> None:
    key = key_actions.make_signing_key(Algorithm.EDDSA, both.a.tenant_id, sealer(both))
    await keys.add_next_key(connection, key, NOW, NOW)


def sealer(both: Both) -> Sealer:
    return Sealer(both.config.master_keys)


async def served_b(pool: Pool, both: Both) -> ServedIssuer:
    read = await StoredSnapshots(pool).of_slug(both.b.slug)
    assert read is not None
    return serve_issuer(read[0], both.config.public_url, DenySet())


async def get_client(pool: Pool, both: Both) -> object:
    return await StoredClients(pool).get(await served_b(pool, both), both.a.client_id)


async def of_workload(pool: Pool, both: Both) -> object:
    return await StoredClients(pool).of_workload(await served_b(pool, both), WORKLOAD.issuer)


async def record_token(both: Both) -> None:
    b, client_id, jti = both.b.tenant_id, both.a.client_id, UUID(both.a.issued).bytes
    async with opened_ledger(both.installation.data_url) as real:
        await real.ledger.record(issued(tenant=b, client_id=client_id, jti=jti))


async def spend_once(pool: Pool, both: Both) -> None:
    """What A has spent is not spent at B: the store keeps each tenant's apart."""
    replays = StoredReplays(pool, lambda _records, _seconds: None)
    presented = Once(digest=sha256(both.a.issued.encode()).digest(), expires_at=2**32)
    assert await replays.spend(both.a.tenant_id, presented)
    assert await replays.spend(both.b.tenant_id, presented)
    assert not await replays.spend(both.a.tenant_id, presented)


async def take_lease(both: Both) -> None:
    """What B takes of a limit with the name of A's client is not taken from A."""
    rate, client_id = Rate(1, 5), both.a.client_id
    async with opened_redis() as redis:
        leases = RedisLeases(redis)
        assert (await leases.take(both.b.tenant_id, client_id, rate, 9)).granted == 5
        assert (await leases.take(both.a.tenant_id, client_id, rate, 9)).granted == 5


async def count_guess(both: Both) -> object:
    """What is guessed at B's client locks nobody out of A's, whose id is the same."""
    async with opened_redis() as redis:
        guesses = RedisGuesses(redis)
        for number in range(10):
            await guesses.count(both.b.tenant_id, b"guesser", bytes([number]))
        assert await guesses.locked_for(both.b.tenant_id, b"guesser")
        return await guesses.locked_for(both.a.tenant_id, b"guesser")


@asynccontextmanager
async def opened_redis() -> AsyncIterator[SharedRedis]:
    with run_valkey() as valkey:
        redis = SharedRedis(valkey.url, lambda _: None, patience=20)
        try:
            yield redis
        finally:
            await redis.close()


async def count_usage(pool: Pool, both: Both) -> None:
    usage = StoredUsage(pool, NotedRefusals())
    usage.count(both.b.tenant_id, both.a.client_id, both.a.tenant.audience, "introspected")
    await usage.flush()


async def count_issued(pool: Pool) -> object:
    """Counts are by account: what another account issued is not in those of this one."""
    return await StoredIssuedCounts(pool).of_month("a_of_b", "2026-11")


async def record_batch(both: Both) -> object:
    """A batch of B with the id of a token of A."""
    token = issued(tenant=both.b.tenant_id, jti=UUID(both.a.issued).bytes)
    recorder = Recorder(both.installation.data_url, 20)
    try:
        return await recorder.record(gather([token])[0])
    finally:
        recorder.close()


async def record_batches(both: Both) -> object:
    token = issued(tenant=both.b.tenant_id, jti=UUID(both.a.issued).bytes)
    recorder = Recorder(both.installation.data_url, 20)
    try:
        return await recorder.record_all(gather([token]))
    finally:
        recorder.close()


async def note_use(pool: Pool, both: Both) -> None:
    uses = StoredSecretUses(pool)
    uses.note(both.b.tenant_id, bytes(32), ip_address("192.0.2.1"), 1)
    await uses.flush()


async def add_revocation(pool: Pool, both: Both) -> None:
    await StoredRevocations(pool).add(both.b.tenant_id, revocation_of(both.a.issued))


@asynccontextmanager
async def opened_feed(both: Both) -> AsyncIterator[PublishedFeed]:
    feed = PublishedFeed(both.installation.data_url)
    await feed.open(lambda: None)
    try:
        yield feed
    finally:
        await feed.close()


async def news_of_b(both: Both) -> object:
    """The feed is for all tenants; what it labels as B's is what B's issuer takes in."""
    async with opened_feed(both) as feed:
        await feed.news()
        await with_pool(add_own_revocation)(both)
        news = await feed.news()
    of_b = [each for each in news.revoked if each.tenant == both.b.tenant_id]
    assert of_b
    return of_b, [each for each in news.published if each.tenant == both.b.tenant_id]


async def add_own_revocation(pool: Pool, both: Both) -> None:
    await StoredRevocations(pool).add(both.b.tenant_id, revocation_of("of-b"))


def snapshot_of_a(both: Both) -> IssuerSnapshot:
    return IssuerSnapshot(
        tenant_id=both.a.tenant_id,
        slug=both.a.tenant.slug,
        version=99,
        status=TenantStatus.ACTIVE,
        signing_keys=(),
        scopes=(),
    )


async def snapshots_of_b(both: Both) -> object:
    async with opened_feed(both) as feed:
        return await feed.snapshots([both.b.tenant_id])


async def read_as_login(pool: Pool, both: Both) -> object:
    async with pool.connection() as connection:
        return await connection.fetch(f'SELECT * FROM "t_{both.a.tenant_id}".client')  # noqa: S608


async def read_as_b(connection: Connection, both: Both) -> object:
    return await connection.fetch(f'SELECT * FROM "t_{both.a.tenant_id}".client')  # noqa: S608


LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
SOON = datetime.now(UTC) + timedelta(days=1)
NOW = datetime(2100, 1, 1, tzinfo=UTC)
