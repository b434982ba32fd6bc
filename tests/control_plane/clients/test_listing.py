"""What the list of clients says of their use, counted on the ledger's days and hours."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import insert, update

from control_plane.clients.actions import list_client_page, register_client
from control_plane.clients.listing import ListedClient, Wanted
from control_plane.clients.rules import ClientOrder, NewClient
from control_plane.usage.actions import roll_up_days
from shared.domain.ids import ClientId
from shared.runtime.database import Database
from shared.runtime.tables.ledger import usage
from shared.runtime.tables.tenant import client
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, text_of
from tests.support import Installation, opened

pytestmark = pytest.mark.usefixtures("quick_keys")


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


async def add_client(site: Site, database: Database, name: str, *, age: int) -> ClientId:
    """Register a client so many days ago."""
    new = NewClient(name=name, apis=(f"https://api.{site.slug}.example",))
    made = await register_client(database, site.console.config.secret_peppers, site.tenant, new)
    long_ago = datetime.now(UTC) - timedelta(days=age)
    async with database.tenant(site.tenant) as connection:
        await connection.execute(
            update(client).where(client.c.client_id == made.client_id).values(created_at=long_ago)
        )
    return made.client_id


async def count(
    site: Site, installation: Installation, client_id: ClientId, event: str, *hours_ago: int
) -> None:
    """Count three of the event in each of those hours, as the data plane does."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    owner = await asyncpg.connect(installation.owner_url)
    for each in hours_ago:
        month = (now - timedelta(hours=each)).date().replace(day=1)
        await owner.execute("SELECT ledger.make_month('usage', $1)", month)
    await owner.close()
    async with opened(installation.data_url) as data, data.control() as connection:
        for each in hours_ago:
            row = {"hour": now - timedelta(hours=each), "client_id": client_id, "event": event}
            row |= {"minutes": 1, "count": 3, "writer": 1, "tenant": site.tenant, "api": "urn:x"}
            await connection.execute(insert(usage).values(**row))


async def nothing_is_rolled_up(installation: Installation) -> None:
    """Have the ledger as where no job ran for longer than a list looks back."""
    owner = await asyncpg.connect(installation.owner_url)
    await owner.execute("UPDATE ledger.rolled_up SET until = now() - interval '35 days'")
    await owner.close()


async def listed(site: Site, database: Database, wanted: Wanted) -> dict[str, ListedClient]:
    page = await list_client_page(database, site.tenant, wanted, 1)
    assert page.total == len(page.rows)
    return {each.name: each for each in page.rows}


@pytest.mark.parametrize("by_day", [False, True], ids=["hours", "days"])
async def test_tokens_of_thirty_days_are_counted_and_idle_clients_are_found(
    site: Site, database: Database, installation: Installation, *, by_day: bool
) -> None:
    await nothing_is_rolled_up(installation)
    busy = await add_client(site, database, "busy", age=90)
    await count(site, installation, busy, "issued", 0, 24, 719)
    refused = await add_client(site, database, "refused", age=90)
    await count(site, installation, refused, "refused:invalid_client", 1)
    await add_client(site, database, "never", age=31)
    await add_client(site, database, "young", age=29)
    if by_day:
        await roll_up_days(database, datetime.now(UTC).date())
    found = await listed(site, database, Wanted(order=ClientOrder.CREATED))
    assert {name: each.tokens for name, each in found.items()} == {
        "busy": 9,
        "refused": 0,
        "never": 0,
        "young": 0,
        "my-first-service": 0,
    }
    assert (await listed(site, database, Wanted(unused=True))).keys() == {"refused", "never"}
    assert (await listed(site, database, Wanted(unused=True, search="nev"))).keys() == {"never"}
    async with site.browser() as browser:
        page = await browser.get(f"{site.clients}?used=no&sort=created")
        assert "1 to 2 of 2 clients" in text_of(page)
        assert "busy" not in page.text
        assert "used=no&amp;sort=name" in page.text  # the filter stays when the order changes
        everything = await browser.get(site.clients)
        assert '<td class="number">9</td>' in everything.text


async def test_a_day_and_the_hours_after_it_are_both_counted_and_none_twice(
    site: Site, database: Database, installation: Installation
) -> None:
    await nothing_is_rolled_up(installation)
    both = await add_client(site, database, "both", age=90)
    await count(site, installation, both, "issued", 2, 24, 48)
    day = await add_client(site, database, "day", age=90)
    await count(site, installation, day, "issued", 48)
    long_ago = await add_client(site, database, "long ago", age=90)
    await count(site, installation, long_ago, "issued", 32 * 24)
    await roll_up_days(database, datetime.now(UTC).date())
    hour = await add_client(site, database, "hour", age=90)
    for each in (both, hour):
        await count(site, installation, each, "issued", 0)  # after what is rolled up
    found = await listed(site, database, Wanted())
    tokens = {name: each.tokens for name, each in found.items()}
    assert tokens == {"both": 12, "day": 3, "hour": 3, "long ago": 0, "my-first-service": 0}
    assert (await listed(site, database, Wanted(unused=True))).keys() == {"long ago"}


async def test_where_every_client_is_in_use_that_is_said(site: Site) -> None:
    async with site.browser() as browser:
        page = await browser.get(f"{site.clients}?used=no")
        assert "Every client that is older than 30 days was issued a token" in page.text
