"""Queueing a letter in the transaction that causes it: it is sent if, and only if, that commits."""

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.mail.rules import Letter


async def queue_letter(connection: AsyncConnection, letter: Letter) -> None:
    del connection, letter
