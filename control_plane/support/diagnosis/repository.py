"""What a diagnosis looks at, as the support login: rows without their secrets.

Of the functions `find_supported_tenant` and `find_elsewhere` read `control`; the others are in the
transaction of the tenant.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.rules import Event
from control_plane.support.diagnosis.seen import SeenClient, SeenSecret
from shared.domain.client import AuthMethod, DpopUse
from shared.domain.ids import TenantId
from shared.domain.limits import Rate
from shared.domain.plan import Environment
from shared.domain.scope import Scope
from shared.domain.snapshot import TenantStatus
from shared.domain.suspension import SuspensionKind
from shared.runtime.tables.control import account, issuer_snapshot, tenant
from shared.runtime.tables.ledger import revocation, usage
from shared.runtime.tables.support_search import client_place
from shared.runtime.tables.tenant import api, audit_event, client, client_grant, client_secret

_LOOKED_THROUGH = 2_000  # events: a target has no index
_EVENT = [audit_event.c[name] for name in Event.__struct_fields__]
_SECRET = [client_secret.c[name] for name in SeenSecret.__struct_fields__]


class SupportedTenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant of an account that is opened."""

    id: TenantId
    slug: str
    name: str
    account_id: str
    environment: Environment
    status: TenantStatus
    created_at: datetime
    deleted_at: datetime | None
    deletes_at: datetime | None
    suspended: SuspensionKind | None  # its account
    behind: bool  # its snapshot is from before the account's last limits

    @property
    def is_deleted(self) -> bool:
        return self.status is TenantStatus.DELETED

    @property
    def path(self) -> str:
        """The path of its page, below which all of it is."""
        return f"/support/accounts/{self.account_id}/tenants/{self.slug}"


class RevocationRow(msgspec.Struct, frozen=True, kw_only=True):
    kind: str  # token | client | tenant
    not_before: datetime


async def find_supported_tenant(
    connection: AsyncConnection, account_id: str, slug: str
) -> SupportedTenant | None:
    """Find it, deleted too while its slug is held; another account's is none."""
    behind = func.coalesce(issuer_snapshot.c.limits_version < account.c.limits_version, False)
    own = ("suspended", "behind")
    found = await connection.execute(
        select(
            *(tenant.c[name] for name in SupportedTenant.__struct_fields__ if name not in own),
            account.c.suspended,
            behind.label("behind"),
        )
        .join(account, account.c.id == tenant.c.account_id)
        .outerjoin(issuer_snapshot, issuer_snapshot.c.tenant_id == tenant.c.id)
        .where(tenant.c.account_id == account_id, tenant.c.slug == slug)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, SupportedTenant)


async def find_elsewhere(connection: AsyncConnection, of: SupportedTenant, client_id: str) -> str:
    """Give the slug of the account's other tenant that has the client; '' where none has."""
    found = await connection.scalar(
        select(tenant.c.slug)
        .join(client_place, client_place.c.tenant_id == tenant.c.id)
        .where(
            client_place.c.client_id == client_id,
            tenant.c.account_id == of.account_id,
            tenant.c.id != of.id,
        )
        .limit(1)
    )
    return found or ""


async def find_client(connection: AsyncConnection, client_id: str) -> SeenClient | None:
    rows = await connection.execute(select(client).where(client.c.client_id == client_id))
    row = rows.first()
    if row is None:
        return None
    grants = await connection.execute(
        select(client_grant.c.api, client_grant.c.scopes).where(
            client_grant.c.client_id == client_id
        )
    )
    secrets = await connection.execute(
        select(*_SECRET)
        .where(client_secret.c.client_id == client_id)
        .order_by(client_secret.c.created_at, client_secret.c.name)
    )
    return SeenClient(
        client_id=row.client_id,
        name=row.name,
        enabled=row.enabled,
        auth_method=AuthMethod(row.auth_method),
        default_api=row.default_api,
        rate=None if row.token_rate is None else Rate(row.token_rate, row.token_burst),
        dpop=DpopUse(row.dpop),
        created_at=row.created_at,
        grants={each.api: frozenset(each.scopes) for each in grants},
        secrets=tuple(msgspec.convert(each, SeenSecret) for each in secrets.mappings()),
    )


async def scopes_by_api(connection: AsyncConnection) -> dict[str, Scope]:
    """Give the scopes of each API of the tenant, by its identifier."""
    rows = await connection.execute(select(api.c.identifier, api.c.scopes))
    return {row.identifier: frozenset(row.scopes) for row in rows}


async def counts_since(
    connection: AsyncConnection, since: datetime, client_id: str = ""
) -> dict[str, int]:
    """Count what happened since an hour began, by event: of the tenant, or of one client."""
    of_client = [usage.c.client_id == client_id] if client_id else []
    rows = await connection.execute(
        select(usage.c.event, func.sum(usage.c.count).label("total"))
        .where(usage.c.hour >= since, *of_client)
        .group_by(usage.c.event)
    )
    return {row.event: int(row.total) for row in rows}


async def last_changes(
    connection: AsyncConnection, targets: Sequence[str], actions: Sequence[str], limit: int
) -> list[Event]:
    """List changes of these, the oldest first, of the last two thousand in the tenant's log."""
    latest = (
        select(*_EVENT).order_by(audit_event.c.seq.desc()).limit(_LOOKED_THROUGH).subquery("latest")
    )
    rows = await connection.execute(
        select(latest)
        .where(latest.c.target.in_(targets), latest.c.action.in_(actions))
        .order_by(latest.c.seq.desc())
        .limit(limit)
    )
    return [msgspec.convert(row, Event) for row in reversed(rows.mappings().all())]


async def find_revocation(
    connection: AsyncConnection, jti: str, client_id: str
) -> RevocationRow | None:
    """Find what revokes a token: itself, else what was issued to its client, or by its tenant."""
    held = revocation.c
    rows = await connection.execute(
        select(held.kind, held.not_before)
        .where(
            tuple_(held.kind, held.subject).in_(
                [("token", jti), ("client", client_id), ("tenant", "")]
            )
        )
        .order_by((held.kind == "token").desc(), held.not_before.desc())
        .limit(1)
    )
    row = rows.mappings().first()
    return None if row is None else msgspec.convert(row, RevocationRow)
