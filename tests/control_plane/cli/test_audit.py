"""`auth-service audit verify`."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from control_plane.audit.actions import new_anchors
from control_plane.audit.rules import Anchor
from shared.domain.ids import TenantId, schema_of
from tests.control_plane.cli.conftest import Cli, Stocked
from tests.support import Server, opened


def test_a_whole_log_is_called_that(cli: Cli, stocked: Stocked) -> None:
    assert cli.json("audit", "verify", "--tenant", stocked.slug) == {
        "events": 3,
        "forgotten": 0,
        "anchors": 0,
        "broken": None,
    }
    shown = cli.text("audit", "verify", "--tenant", stocked.slug)
    assert shown.stdout == "All 3 events are as they were recorded.\n"
    account = str(cli.json("account", "create", "Acme")["id"])
    assert cli.json("audit", "verify", "--account", account)["events"] == 1


def test_a_broken_one_ends_with_1_and_names_the_event(
    cli: Cli, stocked: Stocked, quiet_server: Server
) -> None:
    tenant = TenantId(cli.json("tenant", "show", stocked.slug)["tenant_id"])

    async def edit() -> None:
        owner: Any = await asyncpg.connect(quiet_server.installation.owner_url)
        await owner.execute(
            f"UPDATE \"{schema_of(tenant)}\".audit_event SET action = 'x' WHERE seq = 2"  # noqa: S608 - our own id
        )
        await owner.close()

    asyncio.run(edit())
    result = cli.run("audit", "verify", "--tenant", stocked.slug)
    assert (result.exit_code, result.stdout) == (1, "Event 2 was edited.\n")
    result = cli.run("audit", "verify", "--tenant", stocked.slug, "--json")
    assert (result.exit_code, result.stdout) == (
        1,
        '{"events":1,"forgotten":0,"anchors":0,"broken":{"seq":2,"damage":"edited"}}\n',
    )


def test_a_chain_is_compared_with_what_the_jobs_have_logged(
    cli: Cli, stocked: Stocked, quiet_server: Server, tmp_path: Path
) -> None:
    tenant = TenantId(cli.json("tenant", "show", stocked.slug)["tenant_id"])
    logged = tmp_path / "jobs.log"

    async def anchor() -> None:
        async with opened(quiet_server.installation.control_url) as database:
            written: list[Anchor] = []
            while await new_anchors(database, written.append):
                pass
        lines = [{"event": "audit anchor", **msgspec.structs.asdict(each)} for each in written]
        noise = [b"not JSON", b'{"event":"serving"}']
        logged.write_bytes(b"\n".join([*noise, *map(msgspec.json.encode, lines)]))

    asyncio.run(anchor())
    ask = ("audit", "verify", "--tenant", stocked.slug, "--anchors", str(logged))
    assert cli.json(*ask)["anchors"] == 1
    line = next(each for each in logged.read_text().splitlines() if tenant in each)
    assert '"signature"' in line


def test_one_of_tenant_and_account_is_named(cli: Cli) -> None:
    assert "give --tenant, --account or --staff" in cli.usage_error("audit", "verify")
    both = ("--tenant", "a", "--account", "b")
    assert "give --tenant, --account or --staff" in cli.usage_error("audit", "verify", *both)
    assert "there is no such account" in cli.refusal("audit", "verify", "--account", "a_0")
