"""Every worker sees every change, also with the doorbell lost, for ever.

faults.md row 13. The workers are asked over fresh connections, often enough to have met each.
Seconds are logged and not judged: `make bench-tenants` measures how soon a change is followed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

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
    seconds_until_all_see,
    token_revoked,
)
from tests.faults.conftest import login_locked_out
from tests.support import Installation, Server, make_tenant, opened

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

MakeStage = Callable[[], Awaitable[Stage]]


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


async def prepare_all(make_stage: MakeStage, url: str) -> dict[str, Change]:
    """Prepare every change, each on a tenant of its own; every worker holds what was before."""
    changes = {each.__name__: await each(await make_stage()) for each in CHANGES}
    for name, change in changes.items():
        assert await all_answer(url, change.seen, expected=False), f"{name} is seen too early"
    return changes


async def until_all_see(changes: dict[str, Change], url: str) -> None:
    """Ask for all the changes at once, until every worker has seen each."""
    asking = (seconds_until_all_see(url, each.seen) for each in changes.values())
    seconds = await asyncio.gather(*asking)
    _log.info("seconds until all see: %s", dict(zip(changes, seconds, strict=True)))


@pytest.mark.parametrize("prepare", [token_revoked, *CHANGES])
async def test_every_worker_sees_it(prepare: Prepare, make_stage: MakeStage) -> None:
    stage = await make_stage()
    change = await prepare(stage)
    assert await all_answer(stage.url, change.seen, expected=False)
    await change.act()
    seconds = await seconds_until_all_see(stage.url, change.seen)
    _log.info("%s: seen by all after %.3f s", prepare.__name__, seconds)


async def test_a_lost_notification_costs_one_poll(
    make_stage: MakeStage, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(*_: object) -> None:
        return

    changes = await prepare_all(make_stage, server.url)
    monkeypatch.setattr(snapshots, "ring", silence)
    monkeypatch.setattr(doorbell, "RING", "SELECT $1::text")
    await asyncio.gather(*(each.act() for each in changes.values()))
    await until_all_see(changes, server.url)


async def test_a_lost_listener_comes_back_and_has_missed_nothing(alone: Installation) -> None:
    with run_server(alone) as server:
        async with opened(alone.control_url) as database:
            config = read_config(alone.environment(server.url))
            changes = await prepare_all(partial(stage_at, server, database, config), server.url)
            del changes["token_revoked_elsewhere"]  # the data plane's own, which is locked out
            async with login_locked_out(alone, "data"):
                await asyncio.gather(*(each.act() for each in changes.values()))
        await until_all_see(changes, server.url)


async def test_changes_outlive_a_restart(make_stage: MakeStage, server: Server) -> None:
    changes = await prepare_all(make_stage, server.url)
    stage = await make_stage()
    untouched = inactive(stage, await new_token(stage))
    await asyncio.gather(*(each.act() for each in changes.values()))
    # a new process at the same issuers: it has heard no doorbell, and holds nothing yet
    with run_server(server.installation, PUBLIC_URL=server.url) as restarted:
        for name, change in changes.items():
            assert await all_answer(restarted.url, change.seen, expected=True), name
        assert await all_answer(restarted.url, untouched, expected=False)
