"""What the door of the management API asks, and the answers that are given once more.

The first work in the built-in tenant's transaction, the others in one of the login.
"""

from datetime import UTC, datetime

import msgspec
from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.management_api.tokens import TokenClaims
from control_plane.tenants.repository import TenantRow
from shared.domain.ids import ClientId, Kid
from shared.domain.jwk import Jwk
from shared.domain.management import SYSTEM_SLUG, KeyClaims
from shared.domain.snapshot import TenantStatus
from shared.domain.suspension import SuspensionKind
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.ledger import revocation
from shared.runtime.tables.repeats import kept_answer
from shared.runtime.tables.tenant import client, signing_key


class KeptAnswer(msgspec.Struct, frozen=True):
    digest: bytes  # of the request
    answer: bytes | None  # sealed; None until it is known


async def public_keys(connection: AsyncConnection) -> dict[Kid, Jwk]:
    rows = await connection.execute(select(signing_key.c.kid, signing_key.c.jwk))
    return {Kid(row.kid): msgspec.convert(row.jwk, Jwk) for row in rows}


async def find_key(connection: AsyncConnection, client_id: ClientId) -> KeyClaims | None:
    """Say whose the key is; None where it is gone, disabled or none."""
    claims = await connection.scalar(
        select(client.c.claims).where(client.c.client_id == client_id, client.c.enabled)
    )
    if not isinstance(claims, dict) or not claims.get("account"):
        return None
    return msgspec.convert(claims, KeyClaims)


async def suspension_of(connection: AsyncConnection, account_id: str) -> SuspensionKind | None:
    """Give what support has suspended of the account, as the login."""
    found = await connection.scalar(select(account.c.suspended).where(account.c.id == account_id))
    return None if found is None else SuspensionKind(found)


async def is_revoked(connection: AsyncConnection, claims: TokenClaims) -> bool:
    """Tell whether the token is refused; in doubt, within the second of a mark, it is."""
    found, issued = revocation.c, datetime.fromtimestamp(claims.iat, UTC)
    marked = or_(
        and_(found.kind == "client", found.subject == claims.client_id),
        found.kind == "tenant",
    )
    row = await connection.execute(
        select(found.kind)
        .where(
            or_(
                and_(found.kind == "token", found.subject == claims.jti),
                and_(marked, found.not_before >= issued),
            )
        )
        .limit(1)
    )
    return row.first() is not None


async def tenants_for(
    connection: AsyncConnection,
    account: str | None,
    slugs: tuple[str, ...],
    *,
    after: str,
    limit: int,
) -> list[TenantRow]:
    """List by slug the account's, or all where None; only those that are named, where any are."""
    wanted = [tenant.c.account_id == account] if account is not None else []
    wanted += [tenant.c.slug.in_(slugs)] if slugs else []
    rows = await connection.execute(
        select(tenant)
        .where(
            *wanted,
            tenant.c.slug > after,
            tenant.c.slug != SYSTEM_SLUG,
            tenant.c.status != TenantStatus.DELETED,
        )
        .order_by(tenant.c.slug)
        .limit(limit)
    )
    return [msgspec.convert(row, TenantRow) for row in rows.mappings()]


async def begin_answer(
    connection: AsyncConnection, client_id: ClientId, key: str, digest: bytes
) -> bool:
    """Take the Idempotency-Key for this request; False where it is taken."""
    begun = await connection.execute(
        insert(kept_answer)
        .values(client_id=client_id, key=key, digest=digest)
        .on_conflict_do_nothing()
        .returning(kept_answer.c.key)
    )
    return begun.first() is not None


async def find_answer(
    connection: AsyncConnection, client_id: ClientId, key: str
) -> KeptAnswer | None:
    found = await connection.execute(
        select(kept_answer.c.digest, kept_answer.c.answer).where(*_of(client_id, key))
    )
    row = found.first()
    return None if row is None else KeptAnswer(row.digest, row.answer)


async def set_answer(
    connection: AsyncConnection, client_id: ClientId, key: str, sealed: bytes
) -> None:
    await connection.execute(update(kept_answer).where(*_of(client_id, key)).values(answer=sealed))


async def drop_answer(connection: AsyncConnection, client_id: ClientId, key: str) -> None:
    await connection.execute(delete(kept_answer).where(*_of(client_id, key)))


async def forget_answers(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove some that were begun before then; give how many."""
    old = (
        select(kept_answer.c.client_id, kept_answer.c.key)
        .where(kept_answer.c.begun_at < before)
        .limit(limit)
        .cte()
    )
    removed = await connection.execute(
        delete(kept_answer)
        .where(kept_answer.c.client_id == old.c.client_id, kept_answer.c.key == old.c.key)
        .returning(kept_answer.c.key)
    )
    return len(removed.all())


def _of(client_id: ClientId, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return kept_answer.c.client_id == client_id, kept_answer.c.key == key
