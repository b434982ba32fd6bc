"""Server-sent events: a piece of a page that tells of each change, by looking every second.

Bounded, since each look costs the database something, and over as soon as who listens may no
longer see the page: signed out, of another role, or removed.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec
from litestar import Request
from litestar.response import Stream

from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of

_TURN = 1.0  # seconds between two looks
_TURNS = 25  # of one answer; the browser asks again, and passes the door again
_WATCHED_FOR = timedelta(minutes=20)  # from when the page was loaded: then someone has gone away
_OF_ALL = 100  # streams of this process
_OF_A_PERSON = 4

_DONE = "event: done\ndata:\n\n"  # after which the browser does not ask again

AnyRequest: TypeAlias = Request[Any, Any, Any]


class Told(msgspec.Struct, frozen=True):
    """What there is to see, as HTML; and whether nothing more will come."""

    text: str
    over: bool = False


Look: TypeAlias = Callable[[], Awaitable[Told]]


class Streams:
    """`still_in` tells whether the door would let the request in once more."""

    def __init__(self, pages: Pages, still_in: Callable[[AnyRequest], Awaitable[bool]]) -> None:
        self._pages = pages
        self._still_in = still_in
        self._open: Counter[str] = Counter()  # by person

    def answer(self, request: AnyRequest, look: Look) -> Stream:
        return Stream(
            self._events(request, look),
            media_type="text/event-stream",
            headers={**self._pages.headers, "X-Accel-Buffering": "no"},
        )

    async def _events(self, request: AnyRequest, look: Look) -> AsyncIterator[str]:
        person = signed_in_of(request).session.person_id
        if self._open.total() >= _OF_ALL or self._open[person] >= _OF_A_PERSON:
            yield self._last_words("full")
            return
        self._open[person] += 1
        try:
            async for each in self._turns(request, look):
                yield each
        finally:
            self._open[person] -= 1
            if not self._open[person]:
                del self._open[person]

    async def _turns(self, request: AnyRequest, look: Look) -> AsyncIterator[str]:
        said = ""
        for _ in range(_TURNS):
            told = await look()
            if told.text != said:
                yield _message(told.text)
                said = told.text
            if told.over:
                yield _DONE
                return
            await asyncio.sleep(_TURN)
            if not await self._still_in(request):
                yield self._last_words("ended")
                return

    def _last_words(self, why: str) -> str:
        return _message(self._pages.fragment("layout/stream_over.html", why=why)) + _DONE


def watched_until(now: datetime) -> int:
    """Give the second until which a page that is loaded now goes on listening."""
    return int((now + _WATCHED_FOR).timestamp())


def is_paused(request: AnyRequest, now: datetime) -> bool:
    """Tell whether the page of this request was left alone, by the `until` in its address."""
    until = request.query_params.get("until", "")
    return not (until.isascii() and until.isdigit()) or now.timestamp() > int(until[:12])


def _message(text: str) -> str:
    return "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"
