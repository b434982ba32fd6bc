"""`auth-service audit verify`."""

import asyncio
from typing import Any

import asyncpg

from shared.domain.ids import TenantId, schema_of
from tests.control_plane.cli.conftest import Cli, Stocked
from tests.support import Server


def test_a_whole_log_is_called_that(cli: Cli, stocked: Stocked) -> None:
    assert cli.json("audit", "verify", "--tenant", stocked.slug) == {"events": 3, "broken": None}
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
        '{"events":1,"broken":{"seq":2,"damage":"edited"}}\n',
    )


def test_one_of_tenant_and_account_is_named(cli: Cli) -> None:
    assert "give --tenant or --account" in cli.usage_error("audit", "verify")
    both = ("--tenant", "a", "--account", "b")
    assert "give --tenant or --account" in cli.usage_error("audit", "verify", *both)
    assert "there is no such account" in cli.refusal("audit", "verify", "--account", "a_0")
