"""An issuer's first read: the snapshot and what is revoked of it, by one statement."""

import time

import pytest

from data_plane.protocol.revocation import Revocation, RevocationKind
from data_plane.store.revoked import StoredRevocations
from data_plane.store.snapshots import StoredSnapshots
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from tests.isolation.patient_pool import opened_pool
from tests.support import Installation, MadeTenant, make_tenant


@pytest.fixture
def offline(installation: Installation) -> Config:
    return read_config(installation.environment())


@pytest.fixture
async def tenant(database: Database, offline: Config) -> MadeTenant:
    return await make_tenant(database, offline)


def revocation(kind: RevocationKind, subject: str, *, until: int) -> Revocation:
    now = int(time.time())
    return Revocation(kind=kind, subject=subject, not_before=now, expires_at=now + until)


async def test_what_is_revoked_comes_with_the_snapshot_and_what_has_expired_does_not(
    installation: Installation, tenant: MadeTenant, database: Database, offline: Config
) -> None:
    neighbour = await make_tenant(database, offline)
    live = [
        revocation(RevocationKind.TOKEN, "a-jti", until=600),
        revocation(RevocationKind.CLIENT, tenant.client.client_id, until=600),
        revocation(RevocationKind.TENANT, "", until=600),
    ]
    gone = revocation(RevocationKind.TOKEN, "an-old-jti", until=-1)
    theirs = revocation(RevocationKind.TOKEN, "their-jti", until=600)
    async with opened_pool(installation.data_url) as pool:
        for each in (*live, gone):
            await StoredRevocations(pool).add(tenant.tenant_id, each)
        await StoredRevocations(pool).add(neighbour.tenant_id, theirs)
        read = await StoredSnapshots(pool).of_slug(tenant.slug)
    assert read is not None
    snapshot, revoked = read
    assert (snapshot.tenant_id, snapshot.slug) == (tenant.tenant_id, tenant.slug)
    assert sorted(revoked, key=lambda each: each.kind) == sorted(live, key=lambda each: each.kind)


async def test_where_nothing_is_revoked_there_is_an_empty_list(
    installation: Installation, tenant: MadeTenant
) -> None:
    async with opened_pool(installation.data_url) as pool:
        read = await StoredSnapshots(pool).of_slug(tenant.slug)
        assert await StoredSnapshots(pool).of_slug("no-such-tenant") is None
    assert read is not None
    assert read[1] == []
