"""Letting old events of the audit log go by their accounts' plans, and anchoring what is there.

An anchor is a line of this process's log: wherever that is kept, `auth-service audit verify
--anchors` compares a chain with it, and whoever rewrites the database has not rewritten the line.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec

from control_plane.accounts.actions import list_accounts
from control_plane.audit.actions import ChainBroken, forget_old, new_anchors
from control_plane.audit.rules import ACCOUNT, ANCHORED, TENANT, Anchor, Chain
from control_plane.tenancy.actions import tenants_of
from shared.domain.plan import PLANS
from shared.runtime.config import Key
from shared.runtime.database import DATABASE_TROUBLE, Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 6 * 3600.0  # seconds
_EVERY_ANCHOR = 600.0  # seconds
_RETRY = 30.0  # seconds
_PAGE = 100  # accounts


async def keep_audit_log(database: Database, keys: tuple[Key, ...]) -> None:
    """Run until cancelled."""
    while True:
        try:
            forgotten = await forget_all_old(database, keys, datetime.now(UTC))
            if forgotten:
                _log.info("old events of the audit log have gone", extra=fields(events=forgotten))
            await asyncio.sleep(_EVERY)
        except DATABASE_TROUBLE as error:
            _log.warning("old events could not be forgotten", extra=fields(cause=str(error)))
            await asyncio.sleep(_RETRY)


async def anchor_audit_log(database: Database) -> None:
    """Run until cancelled."""
    while True:
        try:
            while await new_anchors(database, _write):
                pass
            await asyncio.sleep(_EVERY_ANCHOR)
        except DATABASE_TROUBLE as error:
            _log.warning("the audit log could not be anchored", extra=fields(cause=str(error)))
            await asyncio.sleep(_RETRY)


async def forget_all_old(database: Database, keys: tuple[Key, ...], now: datetime) -> int:
    """Forget in each chain what its account's plan does not keep; tell how many events."""
    forgotten = 0
    async for chain, days in _chains(database):
        try:
            forgotten += await forget_old(database, keys, chain, now - timedelta(days=days))
        except ChainBroken as error:
            _log.error("an audit log is broken", extra=fields(chain=chain.name, cause=str(error)))
    return forgotten


async def _chains(database: Database) -> AsyncIterator[tuple[Chain, int]]:
    """Give each chain with the days that its account's plan keeps, a few accounts at a time."""
    after = ""
    while page := await list_accounts(database, after=after, limit=_PAGE):
        for account in page:
            days = PLANS[account.plan].log_days
            yield Chain(ACCOUNT, account.id), days
            for tenant in await tenants_of(database, account.id):
                yield Chain(TENANT, tenant), days
        after = page[-1].id


def _write(anchor: Anchor) -> None:
    _log.info(ANCHORED, extra=fields(**msgspec.structs.asdict(anchor)))
