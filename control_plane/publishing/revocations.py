"""Marks on a client or a whole tenant: tokens issued until then are refused."""

from datetime import timedelta
from typing import Literal

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.client import MAXIMUM_TOKEN_LIFETIME
from shared.domain.ids import TenantId
from shared.runtime.tables.ledger import revocation


async def refuse_until_now(
    connection: AsyncConnection, tenant: TenantId, kind: Literal["client", "tenant"], subject: str
) -> None:
    """Mark a client_id, or '' for the whole tenant, as the tenant; of two marks the later wins."""
    held = revocation.c
    until = func.now() + timedelta(seconds=MAXIMUM_TOKEN_LIFETIME)
    await connection.execute(
        insert(revocation)
        .values(tenant=tenant, kind=kind, subject=subject, not_before=func.now(), expires_at=until)
        .on_conflict_do_update(
            index_elements=["tenant", "kind", "subject"],
            set_={
                "not_before": func.greatest(held.not_before, func.now()),
                "expires_at": func.greatest(held.expires_at, until),
            },
        )
    )
