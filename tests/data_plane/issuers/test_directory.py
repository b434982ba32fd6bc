"""The directory: nothing that is published while an issuer is being read may be missed."""

import asyncio

import pytest

from data_plane.issuers.directory import IssuerDirectory
from data_plane.ports import News, Published, RevocationOf
from data_plane.protocol.revocation import Revocation, RevocationKind
from shared.domain.ids import TenantId
from shared.domain.snapshot import IssuerSnapshot, TenantStatus

TENANT = TenantId("aaaaaaaaaaaaa")
REVOKED = Revocation(kind=RevocationKind.TOKEN, subject="j", not_before=0, expires_at=4_000_000_000)


def snapshot(version: int, slug: str = "acme", tenant: TenantId = TENANT) -> IssuerSnapshot:
    return IssuerSnapshot(
        tenant_id=tenant,
        slug=slug,
        version=version,
        status=TenantStatus.ACTIVE,
        signing_keys=(),
        scopes=(),
    )


class Tables:
    """What is published, in memory; a read can be held up, as a slow database would."""

    def __init__(self) -> None:
        self.snapshots: dict[str, IssuerSnapshot] = {}
        self.revocations: list[Revocation] = []
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.directory = IssuerDirectory("https://x", self.of_slug)

    async def of_slug(self, slug: str) -> tuple[IssuerSnapshot, list[Revocation]] | None:
        self.reads += 1
        read, revoked = self.snapshots.get(slug), list(self.revocations)
        await self.gate.wait()
        return None if read is None else (read, revoked)

    async def read_has_begun(self) -> None:
        while not self.reads:
            await asyncio.sleep(0)

    def publish(self, new: IssuerSnapshot) -> list[TenantId]:
        self.snapshots[new.slug] = new
        return self.directory.hear(News([Published(new.tenant_id, new.slug, new.version)], []))


async def version_of(directory: IssuerDirectory, slug: str = "acme") -> int:
    issuer = await directory.get(slug)
    assert issuer is not None
    return issuer.snapshot.version


async def test_an_issuer_is_read_once_for_all_who_wait() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(1)
    issuers = await asyncio.gather(*(tables.directory.get("acme") for _ in range(10)))
    assert len({id(issuer) for issuer in issuers}) == 1
    assert tables.reads == 1


async def test_a_version_published_during_the_read_is_not_missed() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(1)
    tables.gate.clear()
    reading = asyncio.create_task(version_of(tables.directory))
    await tables.read_has_begun()
    tables.publish(snapshot(2))
    tables.gate.set()
    assert await reading == 2


async def test_a_tenant_created_during_the_read_is_not_missed() -> None:
    tables = Tables()
    tables.gate.clear()
    reading = asyncio.create_task(tables.directory.get("acme"))
    await tables.read_has_begun()
    tables.publish(snapshot(1))
    tables.gate.set()
    assert await reading is not None


async def test_a_revocation_during_the_read_is_not_missed() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(1)
    tables.gate.clear()
    reading = asyncio.create_task(tables.directory.get("acme"))
    await tables.read_has_begun()
    tables.revocations.append(REVOKED)
    tables.directory.hear(News([], [RevocationOf(TENANT, REVOKED)]))
    tables.gate.set()
    issuer = await reading
    assert issuer is not None
    assert len(issuer.revoked) == 1


async def test_the_news_of_other_tenants_start_no_read_again() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(1)
    other = TenantId("bbbbbbbbbbbbb")
    tables.gate.clear()
    reading = asyncio.create_task(version_of(tables.directory))
    await tables.read_has_begun()
    tables.directory.hear(News([Published(other, "other", 2)], [RevocationOf(other, REVOKED)]))
    tables.gate.set()
    assert await reading == 1
    assert tables.reads == 1


async def test_a_newer_version_is_asked_for_and_an_older_one_dropped() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(5)
    assert await version_of(tables.directory) == 5
    assert tables.publish(snapshot(6)) == [TENANT]
    tables.directory.replace(snapshot(6))
    tables.directory.replace(snapshot(4))
    assert await version_of(tables.directory) == 6
    assert tables.publish(snapshot(6)) == []


async def test_revocations_outlive_a_new_version() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(1)
    await tables.directory.get("acme")
    tables.directory.hear(News([], [RevocationOf(TENANT, REVOKED)]))
    tables.directory.replace(snapshot(2))
    issuer = await tables.directory.get("acme")
    assert issuer is not None
    assert len(issuer.revoked) == 1


async def test_a_new_version_remembers_no_client() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(1)
    before = await tables.directory.get("acme")
    tables.directory.replace(snapshot(2))
    after = await tables.directory.get("acme")
    assert before is not None
    assert after is not None
    assert before.clients is not after.clients


async def test_an_unknown_slug_is_asked_for_once_until_it_is_published() -> None:
    tables = Tables()
    assert await tables.directory.get("acme") is None
    assert await tables.directory.get("acme") is None
    assert tables.reads == 1
    tables.publish(snapshot(1))
    assert await version_of(tables.directory) == 1


async def test_a_failed_read_is_tried_again() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(1)
    reads = iter([OSError("down")])

    async def of_slug(slug: str) -> tuple[IssuerSnapshot, list[Revocation]] | None:
        for error in reads:
            raise error
        return tables.snapshots[slug], []

    directory = IssuerDirectory("https://x", of_slug)
    with pytest.raises(OSError, match="down"):
        await directory.get("acme")
    assert await version_of(directory) == 1


async def test_what_is_held_is_bounded() -> None:
    tables = Tables()
    for number in range(16_100):
        slug = f"tenant-{number}"
        tables.snapshots[slug] = snapshot(1, slug, TenantId(f"{number:013}"))
        await tables.directory.get(slug)
    assert len(tables.directory) == 16_000
    assert await version_of(tables.directory, "tenant-0") == 1  # let go of, and read again


async def test_a_slug_taken_over_after_a_deletion_is_the_new_tenants() -> None:
    tables = Tables()
    tables.snapshots["acme"] = snapshot(7)
    assert await version_of(tables.directory) == 7
    successor = snapshot(1, tenant=TenantId("bbbbbbbbbbbbb"))
    tables.publish(successor)
    issuer = await tables.directory.get("acme")
    assert issuer is not None
    assert issuer.tenant_id == successor.tenant_id
