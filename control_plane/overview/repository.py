"""What a tenant has already, in one statement under its role."""

import msgspec
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.tables.ledger import usage
from shared.runtime.tables.tenant import api, client


class Made(msgspec.Struct, frozen=True):
    """Whether there is any."""

    apis: bool
    clients: bool
    tokens: bool  # ever issued, as far back as usage is kept


async def what_is_made(connection: AsyncConnection) -> Made:
    tokens = exists().where(usage.c.event == "issued")
    found = await connection.execute(
        select(exists().select_from(api), exists().select_from(client), tokens)
    )
    return Made(*found.one())
