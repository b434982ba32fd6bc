"""The twin of every store method: a call made for tenant B with the ids of tenant A.

SEES_NOTHING answers, and nothing of A is in the answer. REFUSED is not B's to call at all: the
database says so. TOUCHES_NO_TENANT has the reason why a method needs no twin.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from control_plane.apis import repository as apis
from control_plane.clients import repository as clients
from control_plane.clients.rules import ClientChange
from control_plane.keys import actions as key_actions
from control_plane.keys import repository as keys
from control_plane.publishing import revocations
from control_plane.publishing import snapshots as publishing
from control_plane.secrets import repository as secrets
from control_plane.secrets.rules import FIRST
from control_plane.tenants import repository as tenants
from control_plane.workloads import repository as workloads
from data_plane.store import batch, pool, revoked, snapshots
from data_plane.store.batch import Batch
from data_plane.store.clients import StoredClients
from data_plane.store.feed import PublishedFeed
from data_plane.store.group_commit import GroupCommit, resolve
from data_plane.store.guesses import RedisGuesses
from data_plane.store.issued_counts import StoredIssuedCounts
from data_plane.store.leases import RedisLeases
from data_plane.store.ledger import SpooledLedger
from data_plane.store.pool import Pool
from data_plane.store.recorder import Recorder
from data_plane.store.refusals import NotedRefusals
from data_plane.store.replays import StoredReplays
from data_plane.store.revoked import StoredRevocations
from data_plane.store.secret_uses import StoredSecretUses
from data_plane.store.shared_redis import SharedRedis
from data_plane.store.sharing import Sharing, SharingThroughRedis, share
from data_plane.store.snapshots import StoredSnapshots
from data_plane.store.spool import Spool
from data_plane.store.spool_files import Record, Segment, SpoolFiles
from data_plane.store.thresholds import StoredThresholds
from data_plane.store.usage import StoredUsage
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import TenantStatus
from tests.isolation import (
    of_accounts,
    of_apis,
    of_audit,
    of_billing,
    of_management,
    of_people,
    of_staff,
    of_support_acts,
    of_support_payments,
    of_team,
    of_usage,
)
from tests.isolation.calls import (
    FROM_THE_FIRST,
    NO_CLIENT,
    NOW,
    Twin,
    add_client,
    add_key,
    add_next_key,
    add_revocation,
    add_secret,
    count_guess,
    count_issued,
    count_usage,
    get_client,
    in_control_plane,
    in_data_plane,
    new_api,
    news_of_b,
    note_use,
    of_workload,
    read_as_b,
    read_as_login,
    record_batch,
    record_batches,
    record_token,
    sealer,
    snapshot_of_a,
    snapshots_of_b,
    spend_once,
    take_lease,
    with_pool,
)
from tests.isolation.populated import WORKLOAD
from tests.isolation.twins_of_jobs import REFUSED_OF_JOBS

Method: TypeAlias = Callable[..., Any]


def public_methods(of: type) -> list[Method]:
    return [each for name, each in vars(of).items() if inspect.isfunction(each) and name[0] != "_"]


SEES_NOTHING: dict[Method, Twin] = {
    **of_accounts.SEES_NOTHING,
    **of_apis.SEES_NOTHING,
    **of_audit.SEES_NOTHING,
    **of_usage.SEES_NOTHING,
    **of_management.SEES_NOTHING,
    apis.add_api: in_control_plane(lambda c, x: apis.add_api(c, new_api(x))),
    apis.get_api: in_control_plane(lambda c, x: apis.get_api(c, x.a.tenant.audience)),
    apis.set_api: in_control_plane(lambda c, x: apis.set_api(c, new_api(x))),
    apis.count_clients: in_control_plane(lambda c, x: apis.count_clients(c, x.a.tenant.audience)),
    apis.delete_api: in_control_plane(lambda c, x: apis.delete_api(c, x.a.tenant.audience)),
    apis.list_apis: in_control_plane(lambda c, _: apis.list_apis(c)),
    clients.add_client: in_control_plane(add_client),
    clients.set_client: in_control_plane(
        lambda c, x: clients.set_client(c, x.a.client_id, ClientChange(name="B's"), None)
    ),
    clients.set_grants: in_control_plane(lambda c, x: clients.set_grants(c, x.a.client_id, ())),
    clients.delete_client: in_control_plane(lambda c, x: clients.delete_client(c, x.a.client_id)),
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
    secrets.add_secret: in_control_plane(add_secret),
    secrets.auth_method_of: in_control_plane(lambda c, x: secrets.auth_method_of(c, x.a.client_id)),
    secrets.list_secrets: in_control_plane(lambda c, x: secrets.list_secrets(c, x.a.client_id)),
    secrets.remove_ended: in_control_plane(
        lambda c, x: secrets.remove_ended(c, x.a.disabled_client_id)
    ),
    secrets.remove_secrets: in_control_plane(
        lambda c, x: secrets.remove_secrets(c, x.a.client_id, [FIRST])
    ),
    secrets.replace_secrets: in_control_plane(
        lambda c, x: secrets.replace_secrets(c, x.a.client_id, "B's", 0)
    ),
    secrets.restore_secrets: in_control_plane(
        lambda c, x: secrets.restore_secrets(c, x.a.disabled_client_id)
    ),
    workloads.get_workloads: in_control_plane(
        lambda c, x: workloads.get_workloads(c, x.a.client_id)
    ),
    workloads.list_workloads: in_control_plane(
        lambda c, _: workloads.list_workloads(c, after=NO_CLIENT, limit=1000)
    ),
    workloads.set_workloads: in_control_plane(
        lambda c, x: workloads.set_workloads(c, x.a.client_id, ())
    ),
    publishing.ring: in_control_plane(lambda c, x: publishing.ring(c, x.a.tenant_id, 99)),
    StoredClients.get: with_pool(get_client),
    StoredClients.read: with_pool(lambda p, x: StoredClients(p).read(x.b.tenant_id, x.a.client_id)),
    StoredClients.of_workload: with_pool(of_workload),
    StoredClients.read_of_workload: with_pool(
        lambda p, x: StoredClients(p).read_of_workload(x.b.tenant_id, WORKLOAD.issuer)
    ),
    PublishedFeed.news: news_of_b,
    PublishedFeed.snapshots: snapshots_of_b,
    SpooledLedger.record: record_token,
    Recorder.record: record_batch,
    Recorder.record_all: record_batches,
    StoredUsage.flush: with_pool(count_usage),
    StoredIssuedCounts.of_month: with_pool(lambda p, _: count_issued(p)),
    StoredSecretUses.flush: with_pool(note_use),
    StoredReplays.spend: with_pool(spend_once),
    StoredRevocations.add: with_pool(add_revocation),
    RedisLeases.take: take_lease,
    RedisGuesses.count: count_guess,
    RedisGuesses.locked_for: count_guess,
    StoredSnapshots.of_slug: with_pool(lambda p, x: StoredSnapshots(p).of_slug(x.b.slug)),
    revoked.revocations_since: in_data_plane(
        lambda c, _: revoked.revocations_since(c, FROM_THE_FIRST)
    ),
}

REFUSED: dict[Method, Twin] = {
    **REFUSED_OF_JOBS,
    **of_accounts.REFUSED,
    **of_audit.REFUSED,
    **of_billing.REFUSED,
    **of_usage.REFUSED,
    **of_management.REFUSED,
    **of_team.REFUSED,
    **of_people.REFUSED,
    **of_support_acts.REFUSED,
    **of_staff.REFUSED,
    **of_support_payments.REFUSED,
    publishing.limits_of: in_control_plane(lambda c, _: publishing.limits_of(c, "operator")),
    publishing.tenants_behind: in_control_plane(
        lambda c, _: publishing.tenants_behind(c, "operator", after="", limit=1000)
    ),
    revocations.refuse_until_now: in_control_plane(
        lambda c, x: revocations.refuse_until_now(c, x.a.tenant_id, "tenant", "")
    ),
    clients.revoke_tokens_of_client: in_control_plane(
        lambda c, x: clients.revoke_tokens_of_client(c, x.a.tenant_id, x.a.client_id)
    ),
    publishing.publish: in_control_plane(lambda c, x: publishing.publish(c, x.a.tenant_id, 99)),
    publishing.publish_snapshot: in_control_plane(
        lambda c, x: publishing.publish_snapshot(c, snapshot_of_a(x), 0)
    ),
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
    pool.fetch_once: in_data_plane(
        lambda c, x: pool.fetch_once(c, f'SELECT * FROM "t_{x.a.tenant_id}".client')  # noqa: S608 - our own id
    ),
    snapshots.published_since: in_data_plane(
        lambda c, _: snapshots.published_since(c, FROM_THE_FIRST)
    ),
    snapshots.snapshots_of: in_data_plane(lambda c, x: snapshots.snapshots_of(c, [x.a.tenant_id])),
}

TOUCHES_NO_TENANT: dict[Method, str] = {
    **of_audit.TOUCHES_NO_TENANT,
    **of_usage.TOUCHES_NO_TENANT,
    **of_people.TOUCHES_NO_TENANT,
    PublishedFeed.open: "connects",
    PublishedFeed.close: "disconnects",
    Pool.close: "disconnects",
    GroupCommit.add: "writes what its store's own method gives it",
    GroupCommit.begin: "the same",
    resolve: "tells one who waits",
    GroupCommit.drain: "waits for records that were given before",
    StoredSecretUses.note: "remembers what flush writes",
    StoredReplays.drain: "waits for records that were given before",
    StoredReplays.forget_expired: "deletes what has expired, whosever it was",
    SharedRedis.script: "makes a script ready",
    SharedRedis.run: "runs what its stores' own methods give it",
    SharedRedis.watch: "waits until Redis answers again",
    SharedRedis.close: "disconnects",
    Sharing.watch: "waits for ever",
    Sharing.close: "does nothing",
    SharingThroughRedis.watch: "waits until Redis answers again",
    SharingThroughRedis.close: "disconnects",
    share: "opens nothing yet",
    StoredThresholds.reach: "writes of an account, all of whose tenants share it",
    SpooledLedger.begin: "what its record method does first",
    SpooledLedger.drain: "waits for records that were given before",
    SpooledLedger.close: "disconnects",
    SpooledLedger.ensure_partitions: "makes empty tables of days to come",
    SpooledLedger.replay: "writes what its record method was given",
    Recorder.close: "disconnects",
    StoredUsage.count: "counts what flush writes",
    NotedRefusals.note: "remembers what usage's flush writes",
    NotedRefusals.take: "gives what it remembers to usage's flush",
    StoredIssuedCounts.wait: "counts in memory, by account",
    StoredIssuedCounts.settle: "counts in memory, by account",
    StoredIssuedCounts.learn: "counts in memory, by account",
    StoredIssuedCounts.at_hand: "counts in memory, by account",
    batch.gather: "pure",
    batch.month_key: "pure",
    batch.months_of: "pure",
    Batch.months: "pure",
    **dict.fromkeys(public_methods(Spool), "keeps batches in files, and reads no table"),
    **dict.fromkeys((*public_methods(SpoolFiles), *public_methods(Segment)), "files, and no table"),
    Record.packed: "pure",
}
