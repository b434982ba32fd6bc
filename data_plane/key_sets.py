"""Others' public keys, read over the network and kept, so that they need not be there each time.

What the other side does changes no answer of ours but its own clients': a copy that was good is
kept while it fails, and nobody can make us ask it more often than every 30 seconds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeAlias, TypeVar

import msgspec

from shared.domain.bounded import keep
from shared.domain.client_jwk import ClientJwk, InvalidKeySet, read_published_key_set
from shared.domain.outbound_url import FetchRefused
from shared.runtime.logs import fields

_log = logging.getLogger("data_plane.key_sets")

_FRESH = 300.0  # seconds; then it is read anew, in the background
_TRUSTED = 3600.0  # seconds; then nobody uses it without waiting for that, in case a key was taken
_BETWEEN_TRIES = 30.0  # seconds
_PATIENCE = 4.0  # seconds that a request waits: a fetch, which takes 3 at most, and some queueing
_MOST_COPIES = 1000
_MOST_WAITING = 200
_AT_ONCE = 20

Contents = TypeVar("Contents")
KeySet: TypeAlias = tuple[ClientJwk, ...]
Monotonic: TypeAlias = Callable[[], float]  # seconds
FetchJson: TypeAlias = Callable[[str], Awaitable[bytes]]  # raises FetchRefused


class _IssuerMetadata(msgspec.Struct, frozen=True):
    """What we read of OpenID Connect Discovery 1.0 section 3; whatever else is there is skipped."""

    issuer: str
    jwks_uri: str


class _Queue:
    """Bounds what is fetched at once, and what waits for that."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None] | None:
        """Give the task that will do it; None where too many wait already."""
        if len(self._tasks) >= _MOST_WAITING:
            return None
        task = asyncio.create_task(self._in_turn(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        async with self._slots:
            await work()


class _Copy(Generic[Contents]):
    """What was read last, when, when it was last tried, and the task that reads or read it."""

    def __init__(self) -> None:
        self.contents: Contents | None = None
        self.read_at = self.tried_at = float("-inf")
        self.reading: asyncio.Task[None] | None = None


class _Copies(Generic[Contents]):
    """Copies of documents, each read anew by one task at a time."""

    def __init__(
        self, read: Callable[[str], Awaitable[Contents]], queue: _Queue, clock: Monotonic
    ) -> None:
        self._read = read
        self._queue = queue
        self._clock = clock
        self._copies: dict[str, _Copy[Contents]] = {}

    async def of(self, url: str, suffices: Callable[[Contents], bool]) -> Contents | None:
        """Give what is held, read anew where it is old or does not suffice; None: never had."""
        copy = self._copies.pop(url, None) or _Copy[Contents]()
        keep(self._copies, url, copy, _MOST_COPIES)  # as the last: the longest unused goes first
        age = self._clock() - copy.read_at
        good = copy.contents is not None and suffices(copy.contents)
        if age >= _FRESH or not good:
            self._begin(url, copy)
        if (age >= _TRUSTED or not good) and copy.reading is not None:
            # neither our end nor that of our patience ends the reading: others wait for it
            await asyncio.wait([copy.reading], timeout=_PATIENCE)
        return copy.contents

    def _begin(self, url: str, copy: _Copy[Contents]) -> None:
        """Begin to read, unless that goes on, was tried just now, or too many wait already."""
        goes_on = copy.reading is not None and not copy.reading.done()
        if not goes_on and self._clock() - copy.tried_at >= _BETWEEN_TRIES:
            copy.reading = self._queue.begin(lambda: self._read_anew(url, copy))

    async def _read_anew(self, url: str, copy: _Copy[Contents]) -> None:
        try:
            copy.contents = await self._read(url)
            copy.read_at = self._clock()
        except (FetchRefused, InvalidKeySet) as error:
            told = fields(url=_shown(url), reason=str(error))
            _log.warning("a document of others was not read", extra=told)
        finally:
            copy.tried_at = self._clock()


class FetchedKeySets:
    """See ports.KeySets."""

    def __init__(self, fetch_json: FetchJson, clock: Monotonic) -> None:
        self._fetch_json = fetch_json
        self._queue = _Queue()
        self._key_sets = _Copies(self._read_key_set, self._queue, clock)
        self._issuers = _Copies(self._read_jwks_uri, self._queue, clock)

    async def of_uri(self, jwks_uri: str, kid: str | None) -> KeySet:
        held = await self._key_sets.of(
            jwks_uri, lambda keys: kid is None or any(key.kid == kid for key in keys)
        )
        return held or ()

    async def of_issuer(self, issuer: str, kid: str | None) -> KeySet:
        jwks_uri = await self._issuers.of(issuer, bool)
        return () if jwks_uri is None else await self.of_uri(jwks_uri, kid)

    async def close(self) -> None:
        """End what is being read."""
        await self._queue.close()

    async def _read_key_set(self, jwks_uri: str) -> KeySet:
        return read_published_key_set(await self._fetch_json(jwks_uri))

    async def _read_jwks_uri(self, issuer: str) -> str:
        """Find an issuer's key set by OpenID Connect Discovery 1.0 sections 4.1 and 4.3."""
        if "?" in issuer:
            raise FetchRefused("an issuer has no query")
        document = await self._fetch_json(
            issuer.removesuffix("/") + "/.well-known/openid-configuration"
        )
        try:
            metadata = msgspec.json.decode(document, type=_IssuerMetadata)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise FetchRefused("its metadata cannot be read") from None
        if metadata.issuer != issuer:
            raise FetchRefused("its metadata is that of another issuer")
        return metadata.jwks_uri


def _shown(url: str) -> str:
    """Give a URL for the log, without what may be secret: the query and the user."""
    return url.partition("?")[0].rpartition("@")[2]
