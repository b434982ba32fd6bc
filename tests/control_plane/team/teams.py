"""What the tests of teams ask of the database, and do again and again."""

from secrets import token_hex

from sqlalchemy import text

from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from shared.runtime.database import Database
from tests.control_plane.console import Console


def new_email() -> str:
    return f"ada-{token_hex(4)}@example.org"


async def new_member(database: Database, account: str, role: Role) -> str:
    person_id = f"p_{token_hex(8)}"
    async with database.control() as connection:
        await add_person(connection, person_id, f"{person_id}@example.org", None)
        await add_member(connection, account, person_id, role)
    return person_id


async def team_of(database: Database, account: str) -> dict[str, str]:
    """Give the account's members and invitations, with their roles."""
    query = text(
        "SELECT person_id AS who, role FROM control.member WHERE account_id = :account"
        " UNION SELECT email, role FROM control.invitation WHERE account_id = :account"
    )
    async with database.control() as connection:
        rows = (await connection.execute(query, {"account": account})).all()
    return {row.who: row.role for row in rows}


async def last_link(database: Database, to: str) -> str:
    query = text(
        "SELECT args -> 'letter' ->> 'link' FROM jobs.procrastinate_jobs"
        " WHERE args -> 'letter' ->> 'to' = :to ORDER BY id DESC LIMIT 1"
    )
    async with database.control() as connection:
        return str(await connection.scalar(query, {"to": to}))


async def invited(console: Console, account: str, role: Role = Role.DEVELOPER) -> tuple[str, str]:
    """Invite someone; give the address, and the token of the link that was mailed."""
    email = new_email()
    async with console.signed_in(account) as owner:
        assert (await owner.post("/team/invite", email=email, role=role)).status_code == 303
    return email, (await last_link(console.database, email)).partition("token=")[2]
