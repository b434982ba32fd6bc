"""Support's one field finds what it is given, and shows no more than is needed to choose."""

import time
from secrets import randbits, token_hex

import asyncpg
import httpx
import pytest
from sqlalchemy import insert, update

from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from control_plane.staff.rules import StaffRole
from shared.domain.ids import uuid7
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.tables.billing import billing_customer
from shared.runtime.tables.control import account
from tests.control_plane.console import make_account, text_of
from tests.control_plane.support_app import StaffBrowser, Support
from tests.support import Installation, MadeTenant, make_tenant

pytestmark = pytest.mark.usefixtures("quick_keys")


class Shop:
    """A customer with everything that one can be found by."""

    def __init__(self, account_id: str, name: str, made: MadeTenant) -> None:
        self.account_id, self.name, self.made = account_id, name, made
        self.email = f"{token_hex(6)}@{self.made.slug}.example"
        self.customer = f"cus_{token_hex(8)}"
        self.base = f"/support/accounts/{account_id}/tenants/{made.slug}"


@pytest.fixture
async def shop(database: Database, settings: Config) -> Shop:
    account_id = await make_account(database)
    found = Shop(
        account_id,
        f"Grocer {token_hex(4)}",
        await make_tenant(database, settings, account=account_id),
    )
    person_id = f"p_{token_hex(8)}"
    async with database.control() as connection:
        await connection.execute(
            update(account).where(account.c.id == account_id).values(name=found.name)
        )
        await add_person(connection, person_id, found.email, None)
        await add_member(connection, account_id, person_id, Role.OWNER)
        await connection.execute(
            insert(billing_customer).values(account_id=account_id, customer_id=found.customer)
        )
    return found


async def look(browser: StaffBrowser, typed: str, page: str = "") -> httpx.Response:
    return await browser.client.get("/support/search", params={"q": typed, "page": page})


async def test_a_customer_is_found_by_each_of_its_names(support: Support, shop: Shop) -> None:
    typed = {
        "slug": shop.made.slug,
        "beginning of the slug": shop.made.slug[:-2],
        "name": shop.name[:-1].upper(),
        "address": shop.email,
        "beginning of the address": shop.email[:8],
        "tenant id": shop.made.tenant_id,
        "account id": shop.account_id,
        "Stripe customer": shop.customer,
    }
    async with support.signed_in(StaffRole.READER) as browser:
        found = {name: (await look(browser, text)).text for name, text in typed.items()}
    assert [name for name, page in found.items() if f'href="{shop.base}"' not in page] == []
    # of whoever is not opened, no more than is needed to choose
    assert not [name for name, page in found.items() if shop.email in page and name != "address"]


async def test_a_client_id_leads_to_the_client(support: Support, shop: Shop) -> None:
    client_id = shop.made.client.client_id
    async with support.signed_in(StaffRole.READER) as browser:
        answer = await look(browser, client_id)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{shop.base}/clients/{client_id}",
    )


async def test_a_request_and_a_token_lead_to_what_is_recorded_of_them(
    support: Support, shop: Shop, installation: Installation
) -> None:
    request_id, refusal, jti = token_hex(8), new_id(), new_id()
    owner = await asyncpg.connect(installation.owner_url)
    await owner.execute(
        "INSERT INTO ledger.refused"
        " VALUES ($1, $2, '', 'oauth/token', 'invalid_scope', 'no', '', $3)",
        refusal,
        shop.made.tenant_id,
        request_id,
    )
    await owner.execute(
        "INSERT INTO ledger.issued VALUES ($1, 60, $2, 'c_1')", jti, shop.made.tenant_id
    )
    await owner.close()
    async with support.signed_in(StaffRole.READER) as browser:
        of_request, of_token = await look(browser, request_id), await look(browser, jti)
    assert of_request.headers["location"] == f"{shop.base}/refusals/{refusal}"
    assert of_token.headers["location"] == f"{shop.base}/tokens/{jti}"


async def test_what_is_not_there_says_as_what_it_was_looked_for(support: Support) -> None:
    async with support.signed_in(StaffRole.READER) as browser:
        nothing = text_of(await look(browser, token_hex(8)))
        strange = await look(browser, "100%_\\'\"<b>")
        empty = await look(browser, "")
    assert "request id" in nothing
    assert "Only refused requests have their id recorded" in nothing
    assert "Nothing is found" in text_of(strange)
    assert "<b>" not in strange.text
    assert "Nothing is found" not in empty.text


async def test_many_are_shown_page_by_page(support: Support, database: Database) -> None:
    name = f"chain-{token_hex(4)}"
    async with database.control() as connection:
        await connection.execute(
            insert(account),
            [{"id": f"a_{token_hex(8)}", "name": f"{name} {n:02}"} for n in range(25)],
        )
    async with support.signed_in(StaffRole.READER) as browser:
        first, second = await look(browser, name), await look(browser, name, "2")
        third = await look(browser, name, "3")
    assert "1 to 20 of 25 found" in text_of(first)
    assert f"{name} 24" in text_of(second)
    assert f"{name} 19" not in text_of(second)
    assert "There is no such page" in text_of(third)


async def test_what_is_looked_for_is_in_the_staff_audit(
    support: Support, database: Database
) -> None:
    typed = f"word-{token_hex(4)}"
    async with support.signed_in(StaffRole.READER) as browser:
        await look(browser, typed)
    async with database.control() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT actor_email, after FROM control.staff_event WHERE action = 'support.search'"
        )
        found = [tuple(row) for row in rows if typed in row.after]
    assert [email for email, _ in found] == [browser.by.email]


def new_id() -> str:
    """Give an id of now, for which the ledger has a partition."""
    return str(uuid7(time.time_ns() // 1_000_000, randbits(74)))
