"""A request as a connection has it while it comes, and what the connection works with."""

import asyncio
from typing import Any, Protocol

from shared.runtime.http1_answer import Header
from shared.runtime.leaving import Leaving


class Request:
    __slots__ = (
        "arrived",
        "body",
        "cut",
        "headers",
        "keep_alive",
        "method",
        "octets",
        "target",
        "whole",
    )

    def __init__(self, *, whole: bool = False) -> None:
        """`whole`: it has come, and has said all that it says."""
        self.method = b""  # empty until the head has come
        self.target = b""
        self.headers: list[Header] = []  # names in lower case
        self.body = b""  # what has come of it and was not taken yet
        self.octets = b""  # all of it, as it came, where it came alone and in one piece
        self.whole = whole
        self.cut = False  # no more of it will come, and nobody may hear the answer
        self.keep_alive = whole
        self.arrived: asyncio.Future[None] | None = None  # somebody waits for more of it

    def head_without(self, header: bytes) -> bytes:
        """Spell its head again, without a header."""
        lines = [b"%b: %b\r\n" % (name, value) for name, value in self.headers if name != header]
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (self.method, self.target, b"".join(lines))

    def wake(self) -> None:
        """Have whoever waits for more of it look again."""
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_result(None)


class Answering(Protocol):
    """The connection that waits for an answer."""

    peer: Any  # its address and port

    @property
    def date(self) -> bytes:
        """The Date field, as a whole line."""
        ...

    @property
    def is_last(self) -> bool:
        """The present answer is the last, and has to say so: the connection is closed after it."""
        ...

    def answer(self, message: bytes, *, close: bool = False) -> None:
        """Send the whole answer, once; `close`: it has said that it is the last."""
        ...


class Lane(Protocol):
    def wants(self, request: Request) -> bool:
        """Tell of a request, whose head alone has come, whether its body is worth a wait."""
        ...

    def take(self, request: Request, connection: Answering) -> bool:
        """Take on a whole request, to answer it once, now or later. False: it is not for here."""
        ...

    def again(self, octets: bytes, connection: Answering) -> bool:
        """Take on what came, where the very same was taken on before: it is not read once more."""
        ...


class Server(Protocol):
    """What the connections of a worker share."""

    lane: Lane | None
    connections: set[Any]
    leaving: Leaving
    tick: int  # seconds, of a clock that never goes back
    date: bytes  # the Date field, RFC 9110 section 6.6.1

    @property
    def full(self) -> bool:
        """As many connections are served as may be."""
        ...

    def exchange(self, request: Request, connection: Any) -> None:
        """Have the application answer, by `connection.write` and then `connection.answered`."""
        ...

    def lost(self, connection: Any) -> None: ...
