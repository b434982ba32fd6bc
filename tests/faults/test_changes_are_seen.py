"""Every worker sees every change, also with the doorbell lost, for ever.

faults.md row 13. Each worker is asked over a connection that it keeps.
Seconds are logged and not judged: `make bench-tenants` measures how soon a change is followed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import httpx
import msgspec
import pytest

from control_plane.publishing import snapshots
from shared.runtime import doorbell
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from tests.conftest import run_server
from tests.faults.changes import (
    CHANGES,
    Change,
    Prepare,
    Stage,
    all_answer,
    inactive,
    new_token,
    token_revoked,
    until_all_see,
)
from tests.faults.conftest import login_locked_out
from tests.faults.worker_lines import lines_to_workers
from tests.support import Installation, Server, make_tenant, opened

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

MakeStage = Callable[[], Awaitable[Stage]]
Lines: TypeAlias = list[httpx.AsyncClient]  # one to each worker


@pytest.fixture
def make_stage(database: Database, config: Config, server: Server) -> MakeStage:
    return partial(stage_at, server, database, config)


async def stage_at(server: Server, database: Database, config: Config) -> Stage:
    tenant = await make_tenant(database, config)
    return Stage(
        url=server.url,
        installation=server.installation,
        database=database,
        config=config,
        tenant=msgspec.structs.replace(tenant, issuer=f"/t/{tenant.slug}"),
    )


async def prepare_all(make_stage: MakeStage, lines: Lines) -> dict[str, Change]:
    """Prepare every change, each on a tenant of its own; every worker holds what was before."""
    changes = {each.__name__: await each(await make_stage()) for each in CHANGES}
    for name, change in changes.items():
        assert await all_answer(lines, change.seen, expected=False), f"{name} is seen too early"
    return changes


async def until_each_is_seen(changes: dict[str, Change], lines: Lines) -> None:
    """Ask for all the changes at once, until every worker has seen each."""
    asking = (until_all_see(lines, each.seen) for each in changes.values())
    seconds = await asyncio.gather(*asking)
    _log.info("seconds until all see: %s", dict(zip(changes, seconds, strict=True)))


@pytest.mark.parametrize("prepare", [token_revoked, *CHANGES])
async def test_every_worker_sees_it(
    prepare: Prepare, make_stage: MakeStage, server: Server
) -> None:
    change = await prepare(await make_stage())
    async with lines_to_workers(server) as lines:
        assert await all_answer(lines, change.seen, expected=False)
        await change.act()
        seconds = await until_all_see(lines, change.seen)
    _log.info("%s: seen by all after %.3f s", prepare.__name__, seconds)


async def test_a_lost_notification_costs_one_poll(
    make_stage: MakeStage, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(*_: object) -> None:
        return

    async with lines_to_workers(server) as lines:
        changes = await prepare_all(make_stage, lines)
        monkeypatch.setattr(snapshots, "ring", silence)
        monkeypatch.setattr(doorbell, "RING", "SELECT $1::text")
        await asyncio.gather(*(each.act() for each in changes.values()))
        await until_each_is_seen(changes, lines)


async def test_a_lost_listener_comes_back_and_has_missed_nothing(alone: Installation) -> None:
    with run_server(alone) as server:
        async with opened(alone.control_url) as database, lines_to_workers(server) as lines:
            config = read_config(alone.environment(server.url))
            changes = await prepare_all(partial(stage_at, server, database, config), lines)
            del changes["token_revoked_elsewhere"]  # the data plane's own, which is locked out
            async with login_locked_out(alone, "data"):
                await asyncio.gather(*(each.act() for each in changes.values()))
            await until_each_is_seen(changes, lines)


async def test_changes_outlive_a_restart(make_stage: MakeStage, server: Server) -> None:
    async with lines_to_workers(server) as lines:
        changes = await prepare_all(make_stage, lines)
    stage = await make_stage()
    untouched = inactive(stage, await new_token(stage))
    await asyncio.gather(*(each.act() for each in changes.values()))
    # a new process at the same issuers: it has heard no doorbell, and holds nothing yet
    with run_server(server.installation, PUBLIC_URL=server.url) as restarted:
        async with lines_to_workers(restarted) as lines:
            for name, change in changes.items():
                assert await all_answer(lines, change.seen, expected=True), name
            assert await all_answer(lines, untouched, expected=False)
