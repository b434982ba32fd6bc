"""The issuers that this worker serves: read on first use, kept up to date by the follower.

Nothing loads all tenants. What is held is bounded, and so is what is known not to exist.
"""

import asyncio
from collections.abc import Awaitable, Callable

from data_plane.ports import News, Published
from data_plane.protocol.revocation import DenySet, Revocation
from data_plane.protocol.served_issuer import ServedIssuer, serve_issuer
from shared.domain.bounded import keep
from shared.domain.ids import TenantId
from shared.domain.snapshot import IssuerSnapshot

_MAXIMUM_HELD = 16_000  # one that issues tokens takes 6 KB (decision 13)
_MAXIMUM_UNKNOWN = 10_000

# by slug; with the snapshot, what is revoked
ReadIssuer = Callable[[str], Awaitable[tuple[IssuerSnapshot, list[Revocation]] | None]]


class IssuerDirectory:
    def __init__(self, public_url: str, read: ReadIssuer) -> None:
        self._public_url = public_url
        self._read_published = read
        self._by_slug: dict[str, ServedIssuer] = {}
        self._slug_of: dict[TenantId, str] = {}
        self._unknown: dict[str, None] = {}
        self._reading: dict[str, asyncio.Task[ServedIssuer | None]] = {}
        self._news: set[str] = set()  # slugs and tenants, heard of while anything is being read

    def __len__(self) -> int:
        return len(self._by_slug)

    def at_hand(self, slug: str) -> ServedIssuer | None:
        return self._by_slug.get(slug)

    async def get(self, slug: str) -> ServedIssuer | None:
        held = self._by_slug.get(slug)
        if held is not None or slug in self._unknown:
            return held
        task = self._reading.get(slug)
        if task is None:
            task = asyncio.create_task(self._read(slug))
            self._reading[slug] = task
            task.add_done_callback(lambda _: self._end_reading(slug))
        # shielded: the one who gave up must not take the answer from the others
        return await asyncio.shield(task)

    def held(self, tenant: TenantId) -> ServedIssuer | None:
        issuer = self._by_slug.get(self._slug_of.get(tenant, ""))
        return issuer if issuer is not None and issuer.tenant_id == tenant else None

    def hear(self, news: News) -> list[TenantId]:
        """Take in what was published; give back the issuers whose new version is to be fetched.

        Without an await: whoever is reading an issuer right now sees the mark and reads again, and
        whoever has just read one finds it among those held.
        """
        if self._reading:
            self._news.update(each.slug for each in news.published)
            self._news.update(each.tenant for each in news.revoked)
        for each in news.revoked:
            held = self.held(each.tenant)
            if held is not None:
                held.revoked.add(each.revocation)
        for published in news.published:
            self._unknown.pop(published.slug, None)
            namesake = self._by_slug.get(published.slug)
            if namesake is not None and namesake.tenant_id != published.tenant:
                del self._by_slug[published.slug]  # deleted long ago; the slug has a new owner
        return [each.tenant for each in news.published if self._is_behind(each)]

    def replace(self, snapshot: IssuerSnapshot) -> None:
        """Take in a newer version of an issuer that is held; an older one is dropped."""
        held = self.held(snapshot.tenant_id)
        if held is not None and held.snapshot.version < snapshot.version:
            self._hold(serve_issuer(snapshot, self._public_url, held.revoked))

    def forget_expired(self, now: int) -> None:
        for issuer in self._by_slug.values():
            if issuer.revoked:  # most have none, and there are thousands
                issuer.revoked.forget_expired(now)

    def _is_behind(self, published: Published) -> bool:
        held = self.held(published.tenant)
        return held is not None and held.snapshot.version < published.version

    async def _read(self, slug: str) -> ServedIssuer | None:
        issuer = await self._read_issuer(slug)
        while self._missed(slug, issuer):
            issuer = await self._read_issuer(slug)
        if issuer is None:
            keep(self._unknown, slug, None, _MAXIMUM_UNKNOWN)
        else:
            self._hold(issuer)
        return issuer

    def _missed(self, slug: str, issuer: ServedIssuer | None) -> bool:
        """Tell whether something of it was published during the read, which it may lack."""
        about = {slug} if issuer is None else {slug, issuer.tenant_id}
        missed = not self._news.isdisjoint(about)
        self._news -= about
        return missed

    def _end_reading(self, slug: str) -> None:
        self._reading.pop(slug, None)
        if not self._reading:
            self._news.clear()

    async def _read_issuer(self, slug: str) -> ServedIssuer | None:
        read = await self._read_published(slug)
        if read is None:
            return None
        snapshot, revocations = read
        revoked = DenySet()
        for revocation in revocations:
            revoked.add(revocation)
        return serve_issuer(snapshot, self._public_url, revoked)

    def _hold(self, issuer: ServedIssuer) -> None:
        slug = issuer.snapshot.slug
        keep(self._by_slug, slug, issuer, _MAXIMUM_HELD)
        self._slug_of[issuer.tenant_id] = slug
        if len(self._slug_of) > 2 * _MAXIMUM_HELD:
            self._slug_of = {each.tenant_id: slug for slug, each in self._by_slug.items()}
