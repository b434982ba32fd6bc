"""A month of usage as a file for spreadsheets. Pure."""

from collections.abc import AsyncIterator

from control_plane.http.spreadsheets import csv_line

_COLUMNS = ("day", "client_id", "api", "event", "count")


async def csv_lines(counted: AsyncIterator[tuple[str, ...]]) -> AsyncIterator[str]:
    yield csv_line(_COLUMNS)
    async for each in counted:
        yield csv_line(each)
