"""Letting old events of the audit log go by their accounts' plans, and anchoring what is there.

An anchor is a line of this process's log: wherever that is kept, `auth-service audit verify
--anchors` compares a chain with it, and whoever rewrites the database has not rewritten the line.
"""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from control_plane.accounts.actions import list_accounts
from control_plane.audit.actions import ChainBroken, forget_old, new_anchors
from control_plane.audit.rules import ACCOUNT, ANCHORED, TENANT, Anchor, Chain
from control_plane.jobs.periodic import Periodic, keep_running
from control_plane.tenancy.actions import tenants_of
from shared.domain.plan import PLANS
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 6 * 3600.0  # seconds
_EVERY_ANCHOR = 600.0  # seconds
_PAGE = 100  # accounts


async def keep_audit_log(database: Database, keys: tuple[Key, ...]) -> None:
    """Run until cancelled."""

    async def work(now: datetime) -> str:
        forgotten = await forget_all_old(database, keys, now)
        return f"{forgotten} old events forgotten" if forgotten else ""

    await keep_running(
        database, Periodic(name="retention of the audit log", every=_EVERY, work=work)
    )


async def anchor_audit_log(database: Database) -> None:
    """Run until cancelled."""

    async def work(_: datetime) -> str:
        while await new_anchors(database, _write):
            pass
        return ""

    await keep_running(
        database, Periodic(name="anchors of the audit log", every=_EVERY_ANCHOR, work=work)
    )


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
