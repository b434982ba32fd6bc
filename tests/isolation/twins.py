"""The twin of every store method: a call made for tenant B with the ids of tenant A.

SEES_NOTHING answers, and nothing of A is in the answer. REFUSED is not B's to call at all: the
database says so. TOUCHES_NO_TENANT has the reason why a method needs no twin.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts import repository as accounts
from control_plane.apis import repository as apis
from control_plane.apis.rules import NewApi
from control_plane.clients import repository as clients
from control_plane.clients.rules import ApiGrant, NewClient
from control_plane.keys import actions as key_actions
from control_plane.keys import repository as keys
from control_plane.management import repository as management
from control_plane.publishing import revocations
from control_plane.publishing import snapshots as publishing
from control_plane.tenants import repository as tenants
from data_plane.ports import IssuedToken
from data_plane.protocol.once import Once
from data_plane.protocol.revocation import DenySet
from data_plane.protocol.served_issuer import ServedIssuer, serve_issuer
from data_plane.store import revoked, snapshots
from data_plane.store.clients import StoredClients
from data_plane.store.feed import PublishedFeed
from data_plane.store.group_commit import GroupCommit
from data_plane.store.ledger import GroupCommitLedger
from data_plane.store.pool import Connection, Pool
from data_plane.store.replays import StoredReplays
from data_plane.store.revoked import StoredRevocations
from data_plane.store.snapshots import StoredSnapshots
from shared.domain.ids import ClientId
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import TenantStatus
from shared.runtime.sealing import Sealer
from shared.runtime.secrets import make_client_secret
from tests.isolation.patient_pool import opened_pool
from tests.isolation.populated import Both, revocation_of

Twin: TypeAlias = Callable[[Both], Awaitable[object]]
Method: TypeAlias = Callable[..., Any]
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
    await clients.add_client(connection, both.a.client_id, new, grants)


async def add_secret(connection: AsyncConnection, both: Both) -> None:
    await add_client(connection, both)
    secret = make_client_secret(both.config.secret_peppers)
    await clients.add_secret(connection, both.a.client_id, secret)


async def add_key(connection: AsyncConnection, both: Both) -> None:
    key = key_actions.make_signing_key(Algorithm.EDDSA, both.a.tenant_id, sealer(both))
    await keys.add_current_key(connection, key)


async def add_next_key(connection: AsyncConnection, both: Both) -> None:
    key = key_actions.make_signing_key(Algorithm.EDDSA, both.a.tenant_id, sealer(both))
    await keys.add_next_key(connection, key, NOW, NOW)


def sealer(both: Both) -> Sealer:
    return Sealer(both.config.master_keys)


async def served_b(pool: Pool, both: Both) -> ServedIssuer:
    snapshot = await StoredSnapshots(pool).of_slug(both.b.slug)
    assert snapshot is not None
    return serve_issuer(snapshot, both.config.public_url, DenySet())


async def get_client(pool: Pool, both: Both) -> object:
    return await StoredClients(pool).get(await served_b(pool, both), both.a.client_id)


async def record_token(pool: Pool, both: Both) -> None:
    ledger = GroupCommitLedger(pool, lambda _records, _seconds: None)
    b, client_id = both.b.tenant_id, both.a.client_id
    token = IssuedToken(tenant=b, client_id=client_id, jti=both.a.issued, lifetime=60)
    await ledger.record(token)


async def spend_once(pool: Pool, both: Both) -> None:
    """What A has spent is not spent at B: the store keeps each tenant's apart."""
    replays = StoredReplays(pool, lambda _records, _seconds: None)
    presented = Once(digest=sha256(both.a.issued.encode()).digest(), expires_at=2**32)
    assert await replays.spend(both.a.tenant_id, presented)
    assert await replays.spend(both.b.tenant_id, presented)
    assert not await replays.spend(both.a.tenant_id, presented)


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


async def snapshots_of_b(both: Both) -> object:
    async with opened_feed(both) as feed:
        return await feed.snapshots([both.b.tenant_id])


async def read_as_login(pool: Pool, both: Both) -> object:
    async with pool.connection() as connection:
        return await connection.fetch(f'SELECT * FROM "t_{both.a.tenant_id}".client')  # noqa: S608


async def read_as_b(connection: Connection, both: Both) -> object:
    return await connection.fetch(f'SELECT * FROM "t_{both.a.tenant_id}".client')  # noqa: S608


NOW = datetime(2100, 1, 1, tzinfo=UTC)

SEES_NOTHING: dict[Method, Twin] = {
    apis.add_api: in_control_plane(lambda c, x: apis.add_api(c, new_api(x))),
    apis.get_api: in_control_plane(lambda c, x: apis.get_api(c, x.a.tenant.audience)),
    apis.list_apis: in_control_plane(lambda c, _: apis.list_apis(c)),
    clients.add_client: in_control_plane(add_client),
    clients.add_secret: in_control_plane(add_secret),
    clients.delete_client: in_control_plane(lambda c, x: clients.delete_client(c, x.a.client_id)),
    clients.expire_secrets: in_control_plane(
        lambda c, x: clients.expire_secrets(c, x.a.client_id, 0)
    ),
    clients.get_client: in_control_plane(lambda c, x: clients.get_client(c, x.a.client_id)),
    clients.list_clients: in_control_plane(
        lambda c, _: clients.list_clients(c, after=NO_CLIENT, limit=1000)
    ),
    clients.scopes_of_apis: in_control_plane(
        lambda c, x: clients.scopes_of_apis(c, (x.a.tenant.audience,))
    ),
    clients.set_enabled: in_control_plane(
        lambda c, x: clients.set_enabled(c, x.a.client_id, enabled=False)
    ),
    key_actions.ensure_signing_key: in_control_plane(
        lambda c, x: key_actions.ensure_signing_key(c, Algorithm.EDDSA, x.a.tenant_id, sealer(x))
    ),
    keys.add_current_key: in_control_plane(add_key),
    keys.has_current_key: in_control_plane(lambda c, _: keys.has_current_key(c, Algorithm.EDDSA)),
    keys.add_next_key: in_control_plane(add_next_key),
    keys.promote_key: in_control_plane(
        lambda c, x: keys.promote_key(c, Algorithm.EDDSA, x.a.kids[0], NOW)
    ),
    keys.sign_sooner: in_control_plane(lambda c, x: keys.sign_sooner(c, x.a.kids[0], NOW)),
    keys.remove_key: in_control_plane(lambda c, x: keys.remove_key(c, x.a.kids[0])),
    keys.replace_sealed: in_control_plane(lambda c, x: keys.replace_sealed(c, x.a.kids[0], b"x")),
    keys.list_keys: in_control_plane(lambda c, _: keys.list_keys(c)),
    keys.sealed_keys: in_control_plane(lambda c, _: keys.sealed_keys(c)),
    management.bind_to_account: in_control_plane(
        lambda c, x: management.bind_to_account(c, x.a.client_id, "operator")
    ),
    management.list_api_keys: in_control_plane(
        lambda c, _: management.list_api_keys(c, after=NO_CLIENT, limit=1000)
    ),
    publishing.ring: in_control_plane(lambda c, x: publishing.ring(c, x.a.tenant_id, 99)),
    StoredClients.get: with_pool(get_client),
    StoredClients.read: with_pool(lambda p, x: StoredClients(p).read(x.b.tenant_id, x.a.client_id)),
    PublishedFeed.news: news_of_b,
    PublishedFeed.snapshots: snapshots_of_b,
    GroupCommitLedger.record: with_pool(record_token),
    StoredReplays.spend: with_pool(spend_once),
    StoredRevocations.add: with_pool(add_revocation),
    StoredRevocations.of_tenant: with_pool(
        lambda p, x: StoredRevocations(p).of_tenant(x.b.tenant_id)
    ),
    StoredSnapshots.of_slug: with_pool(lambda p, x: StoredSnapshots(p).of_slug(x.b.slug)),
    revoked.revocations_since: in_data_plane(
        lambda c, _: revoked.revocations_since(c, FROM_THE_FIRST)
    ),
}

REFUSED: dict[Method, Twin] = {
    accounts.add_account: in_control_plane(lambda c, _: accounts.add_account(c, "a_b", "B's")),
    accounts.find_account: in_control_plane(lambda c, _: accounts.find_account(c, "operator")),
    accounts.list_accounts: in_control_plane(
        lambda c, _: accounts.list_accounts(c, after="", limit=1000)
    ),
    revocations.refuse_until_now: in_control_plane(
        lambda c, x: revocations.refuse_until_now(c, x.a.tenant_id, "tenant", "")
    ),
    clients.revoke_tokens_of_client: in_control_plane(
        lambda c, x: clients.revoke_tokens_of_client(c, x.a.tenant_id, x.a.client_id)
    ),
    publishing.publish: in_control_plane(lambda c, x: publishing.publish(c, x.a.tenant_id, 99)),
    publishing.set_status: in_control_plane(
        lambda c, x: publishing.set_status(c, x.a.tenant_id, TenantStatus.SUSPENDED)
    ),
    publishing.set_keys_due: in_control_plane(
        lambda c, x: publishing.set_keys_due(c, x.a.tenant_id, NOW)
    ),
    publishing.tenants_with_keys_due: in_control_plane(
        lambda c, _: publishing.tenants_with_keys_due(c, NOW, 1000)
    ),
    publishing.status_of: in_control_plane(lambda c, x: publishing.status_of(c, x.a.tenant_id)),
    tenants.add_tenant: in_control_plane(
        lambda c, x: tenants.add_tenant(c, x.a.tenant_id, x.a.tenant.slug, "B's")
    ),
    tenants.create_schema: in_control_plane(lambda c, x: tenants.create_schema(c, x.a.tenant_id)),
    tenants.drop_schema: in_control_plane(lambda c, x: tenants.drop_schema(c, x.a.tenant_id)),
    tenants.find_tenant: in_control_plane(lambda c, x: tenants.find_tenant(c, x.a.tenant.slug)),
    tenants.list_tenants: in_control_plane(
        lambda c, _: tenants.list_tenants(c, after="", limit=1000)
    ),
    Pool.connection: with_pool(read_as_login),
    Pool.tenant: in_data_plane(read_as_b),
    snapshots.published_since: in_data_plane(
        lambda c, _: snapshots.published_since(c, FROM_THE_FIRST)
    ),
    snapshots.snapshots_of: in_data_plane(lambda c, x: snapshots.snapshots_of(c, [x.a.tenant_id])),
}

TOUCHES_NO_TENANT: dict[Method, str] = {
    PublishedFeed.open: "connects",
    PublishedFeed.close: "disconnects",
    Pool.close: "disconnects",
    GroupCommit.add: "writes what its store's own method gives it",
    GroupCommit.drain: "waits for records that were given before",
    StoredReplays.drain: "waits for records that were given before",
    StoredReplays.forget_expired: "deletes what has expired, whosever it was",
    GroupCommitLedger.drain: "waits for records that were given before",
    GroupCommitLedger.ensure_partitions: "makes empty tables of days to come",
}
