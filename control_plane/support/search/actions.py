"""Looking for a customer by whatever is at hand."""

from uuid import UUID

import msgspec

from control_plane.audit.actions import record_of_staff
from control_plane.audit.rules import Actor, Noted
from control_plane.http.paging import SIZE, Listed
from control_plane.support.search import repository
from control_plane.support.search.rules import Hit, Kind, Place, as_token_id, kinds_of
from shared.runtime.database import Database


class Search(msgspec.Struct, frozen=True, kw_only=True):
    kinds: tuple[Kind, ...]  # as what it was looked for
    places: list[Place]  # of things with an id of their own
    listed: Listed[Hit]


async def search(database: Database, by: Actor, typed: str, number: int) -> Search:
    """Give what there is, and a page of the accounts.

    What is looked for is recorded: it goes over all customers, whom nobody has opened.
    """
    kinds = kinds_of(typed)
    async with database.control() as connection:
        if typed:
            noted = Noted("support.search", "all accounts", after={"typed": typed, "page": number})
            await record_of_staff(connection, by, noted)
        places: list[Place] = []
        if Kind.CLIENT in kinds:
            places += await repository.places_of_client(connection, typed)
        if Kind.REQUEST in kinds:
            places += await repository.places_of_request(connection, typed)
        if Kind.TOKEN in kinds:
            places += await repository.places_of_token(
                connection, as_token_id(typed) or UUID(int=0)
            )
        rows, total = await repository.find_accounts(
            connection, typed, kinds, offset=(number - 1) * SIZE, limit=SIZE
        )
    return Search(kinds=kinds, places=places, listed=Listed(rows=rows, total=total, number=number))
