"""Recording that the staff audit was taken out: whoever reads it all is in it."""

from collections.abc import Mapping

from control_plane.audit.actions import record_of_staff
from control_plane.audit.rules import STAFF, Actor, Noted
from shared.runtime.database import Database


async def record_export(database: Database, by: Actor, filters: Mapping[str, str]) -> None:
    """Record it before a line of it is given."""
    asked = {name: text for name, text in filters.items() if text}
    async with database.control() as connection:
        await record_of_staff(connection, by, Noted("journal.export", STAFF.name, after=asked))
