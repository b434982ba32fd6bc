"""Accounts whose month has tokens, and what was written about them."""

from secrets import randbelow, token_hex

import asyncpg
from sqlalchemy import text

from control_plane.billing.repository import add_customer
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.console import make_account
from tests.support import Installation


async def make_customer(database: Database, plan: PlanName = PlanName.SANDBOX) -> str:
    account = await make_account(database, plan)
    async with database.control() as connection:
        await add_customer(connection, account, f"cus_{account}")
    return account


async def add_person_to(database: Database, account: str, role: Role) -> str:
    person = f"p_{token_hex(6)}"
    async with database.control() as connection:
        await add_person(connection, person, f"{person}@example.com", None)
        await add_member(connection, account, person, role)
    return f"{person}@example.com"


async def issue(installation: Installation, account: str, month: str, tokens: int) -> None:
    """Count tokens as the data plane does, as one more writer."""
    owner = await asyncpg.connect(installation.owner_url)
    try:
        await owner.execute(
            "INSERT INTO ledger.account_month VALUES ($1, $2, $3, $4)",
            account,
            month,
            randbelow(2**31),
            tokens,
        )
    finally:
        await owner.close()


async def subjects_to(database: Database, address: str) -> list[str]:
    """Give the subjects of the letters that wait for someone, the oldest first."""
    query = """
    SELECT args->'letter'->>'subject' FROM jobs.procrastinate_jobs
    WHERE args->'letter'->>'to' = :to ORDER BY id
    """
    async with database.control() as connection:
        return list(await connection.scalars(text(query), {"to": address}))
