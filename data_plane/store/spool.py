"""The local spool: where batches wait for a ledger that is slow, gone or full."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.batch import Batch
from data_plane.store.spool_files import Record, SpoolFiles, SpoolFull
from shared.runtime.logs import fields

_PATIENCE = 0.25  # seconds; a disk that is slower than this is down too

_NO_RECORD = "the service can keep no record of tokens now"

_log = logging.getLogger("data_plane")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Batch).decode

Result = TypeVar("Result")
# tokens that wait, seconds since the epoch of the oldest (0: there is none), tokens just replayed
ObserveSpool: TypeAlias = Callable[[int, int, int], None]


class Spool:
    """One thread does all its files' work, so that the loop never waits for the disk."""

    def __init__(
        self, directory: Path, limit: int, observe: ObserveSpool = lambda *_: None
    ) -> None:
        """`limit`: octets of all files in the directory."""
        self._directory = directory
        self._files = SpoolFiles(directory, limit)
        self._thread = ThreadPoolExecutor(1, "spool")
        self._observe = observe
        self._usable = False

    async def open(self) -> None:
        """Make the directory; where that cannot be, say so once, and take nothing."""
        try:
            await self._run(self._files.prepare)
        except OSError as error:
            where = fields(directory=str(self._directory), cause=error.strerror)
            _log.warning("no spool: without the database tokens are refused", extra=where)
        else:
            self._usable = True

    async def append(self, batch: Batch) -> None:
        """Return when the batch is on the disk. Raises TemporarilyUnavailable."""
        record = _record(batch)
        if not self._usable:
            raise TemporarilyUnavailable(_NO_RECORD)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._run(lambda: self._files.append(record))
        except (SpoolFull, OSError) as error:  # TimeoutError is an OSError
            raise TemporarilyUnavailable(_NO_RECORD) from error

    async def adopt(self) -> None:
        """Take over what workers that are gone have left. Raises OSError."""
        tokens = await self._run(self._files.adopt) if self._usable else 0
        if tokens:
            _log.warning(
                "tokens in the spool of a worker that is gone", extra=fields(tokens=tokens)
            )

    async def read(self, tokens: int) -> list[Batch]:
        """Give the oldest batches, of so many tokens or a little more. Raises OSError."""
        if not self._usable:
            return []
        return [_decode(each.body) for each in await self._run(lambda: self._files.read(tokens))]

    async def forget(self) -> None:
        """Forget what was read last: it is in the ledger. Raises OSError."""
        before = self._files.spooled().tokens
        await self._run(self._files.forget)
        self._tell(before - self._files.spooled().tokens)

    async def set_aside(self, batch: Batch) -> None:
        """Keep what the ledger will never take for a person to look at. Raises OSError."""
        record = _record(batch)
        await self._run(lambda: self._files.set_aside(record))
        _log.error("the ledger never takes these tokens", extra=fields(batch=batch.id))

    async def close(self) -> None:
        with suppress(TimeoutError):  # a disk that hangs holds up no end
            async with asyncio.timeout(_PATIENCE):
                await self._run(self._files.close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._tell()

    def _tell(self, replayed: int = 0) -> None:
        spooled = self._files.spooled()
        self._observe(spooled.tokens, 60 * (spooled.oldest_minute or 0), replayed)


def _record(batch: Batch) -> Record:
    return Record(tokens=batch.tokens, minute=batch.minute, body=_encode(batch))
