"""HTTP/1.1 (RFC 9112) for a worker: a connection, and the requests that come on it.

The framing is read by httptools (llhttp, which is Node's), strictly. Requests are answered one by
one, within bounds. What came whole is offered to the `lane`, which answers without a task and
knows again what it took on (decision 20); asgi_exchange.py has the application answer the rest.
"""

import asyncio
from collections import deque
from math import inf
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from shared.runtime import http1_bounds as bounds
from shared.runtime.http1_answer import refusal
from shared.runtime.http1_request import Request, Server


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = HttpRequestParser(self)
        self._reading: Request | None = None  # what the parser is at
        self._waiting: deque[Request] = deque()  # their heads have come
        self._served: Request | None = None  # what is being answered
        self._upgrading: Request | None = None  # it asked to speak another protocol
        self._head = 0  # bytes of the head that is being read
        self._ignored: int | None = None  # bytes that came behind the last answer; None: it is due
        self._last = b""  # the refusal of what was malformed behind requests in order
        self._since = server.tick  # when the present wait began
        self._ending = False  # nothing more is read once this is answered
        self._writable: asyncio.Future[None] | None = None  # while the client reads too slowly
        self._held_back = self.closed = False
        self.peer: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport
        self._hang_up = self._transport.write_eof  # after the last answer; the client is heard on
        self.peer = transport.get_extra_info("peername")
        self._server.connections.add(self)
        if self._server.full:
            self._transport.write(refusal(503, "temporarily_unavailable", bounds.BUSY, self.date))
            self._transport.close()  # at once: who floods us holds no more descriptors than this

    def data_received(self, data: bytes) -> None:
        if self._ignored is not None:
            self._ignore(len(data))
            return
        alone = self._served is None and self._reading is None and not self._waiting
        if alone and self._is_known(data):
            return
        self._parse(data)
        if alone and self._reading is None and len(self._waiting) == 1 and not self._ending:
            self._waiting[0].octets = data
        self._go_on()

    def _is_known(self, data: bytes) -> bool:
        """Tell whether the lane has taken on the same octets before, and does so again."""
        lane, self._served = self._server.lane, Request(whole=True)
        if lane is not None and not self._writable and lane.again(data, self):
            return True
        self._served = None
        return False

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._parse_without_upgrade(data[upgrade.args[0] :])
        except HttpParserError:
            self._refuse(400, bounds.MALFORMED)
        if self._reading is not None and not self._reading.method:
            self._head += len(data)
            if self._head > bounds.MAXIMUM_HEAD:
                self._refuse(431, bounds.TOO_LARGE)

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Read the request anew as if it had not asked to speak otherwise (RFC 9110 section 7.8).

        Java's client asks each first request for HTTP/2, and the parser would leave out its body.
        """
        asked, self._parser = self._upgrading, HttpRequestParser(self)
        if asked is None or asked.method == b"CONNECT":
            self._refuse(400, bounds.MALFORMED)
        else:
            self._parse(asked.head_without(b"upgrade") + rest)

    def eof_received(self) -> bool:
        """The client has said its last: what was whole by then is answered."""
        self._ending, self._hang_up = True, self._transport.close
        self._cut()
        self._go_on()
        return self._served is not None or bool(self._waiting)

    def connection_lost(self, _: Exception | None) -> None:
        self.closed = True
        self._waiting.clear()
        self._cut()
        self.resume_writing()
        self._server.lost(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()
        self._since = self._server.tick

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        self._go_on()

    def on_message_begin(self) -> None:
        self._reading = Request()
        self._since = self._server.tick
        self._head = 0

    def on_url(self, url: bytes) -> None:
        self._read.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        reading = self._read
        if not reading.method:  # trailers say nothing to us
            reading.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        reading = self._read
        reading.method = self._parser.get_method()
        reading.keep_alive = self._parser.should_keep_alive()
        if self._parser.should_upgrade():
            self._upgrading = reading
        else:
            self._waiting.append(reading)

    def on_body(self, body: bytes) -> None:
        self._read.body += body
        self._read.wake()

    def on_message_complete(self) -> None:
        self._read.whole = True
        self._read.wake()
        self._reading = None

    @property
    def _read(self) -> Request:
        assert self._reading is not None  # noqa: S101 - a message has begun
        return self._reading

    @property
    def begun(self) -> bool:
        """A request has begun to come, and is not whole."""
        return self._reading is not None

    @property
    def date(self) -> bytes:
        return self._server.date

    def write(self, part: bytes) -> None:
        if not self.closed:
            self._transport.write(part)

    async def drained(self) -> None:
        """Return once the client has read enough of what was written."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    @property
    def is_last(self) -> bool:
        served = self._served
        if self._server.leaving.begun or served is None or not served.keep_alive:
            return True
        follows = self._waiting or self._last or self.begun
        return not served.whole or (self._ending and not follows)

    def answer(self, message: bytes, *, close: bool = False) -> None:
        """Send the whole answer to the request that is served, and go on to the next."""
        self.write(message)
        self.answered(close=close)

    def answered(self, *, close: bool) -> None:
        """Go on to the next request: the answer to this one has been written."""
        served, self._served = self._served, None
        if self.closed or served is None:
            return
        self._since = self._server.tick
        if close or not served.keep_alive or not served.whole:
            self._end()
        elif self._waiting or self._held_back:
            asyncio.get_running_loop().call_soon(self._go_on)
        elif self._last or (self._ending and not self.begun):
            self._end(self._last)

    def abort(self) -> None:
        self._transport.abort()

    def taken(self) -> None:
        """Read on: the application has taken what has come of the body."""
        self._go_on()

    def end_when_idle(self) -> None:
        """Answer what has begun to come, and no more."""
        self._ending = True
        if self._served is None and not self.begun and not self._waiting:
            self._transport.close()

    def look(self) -> None:
        """End what has waited for its client for too long."""
        if self._served is None:
            self._serve_next(patient=False)
        if self._server.tick - self._since < self._patience():
            return
        if self._stalled or self._served is not None:
            self._transport.abort()
        elif self.begun:
            self._refuse(408, bounds.TOO_SLOW)
        else:
            self._transport.close()

    def _patience(self) -> float:
        """Give the seconds that the present wait may take."""
        if self._stalled:
            return bounds.HEAD_PATIENCE
        if self._served is not None:
            return inf if self._served.whole else bounds.BODY_PATIENCE
        return bounds.HEAD_PATIENCE if self.begun else bounds.IDLE

    @property
    def _stalled(self) -> bool:
        """The client has not read what was sent, or not heard that it was the last."""
        return self._ignored is not None or self._writable is not None

    def _serve_next(self, *, patient: bool = True) -> None:
        """Begin to answer; `patient`: a body that is a moment behind its head is waited for."""
        if not self._waiting or self.closed or self._writable:  # who reads slowly hears no more yet
            return
        request = self._waiting[0]
        lane = self._server.lane if request.keep_alive else None
        if lane and patient and not (request.whole or request.cut) and lane.wants(request):
            return
        self._served = self._waiting.popleft()
        if not (lane and request.whole and lane.take(request, self)):
            self._server.exchange(request, self)

    def _go_on(self) -> None:
        if self._served is None:
            self._serve_next()
        if self._reading is not None or self._waiting or self._held_back:
            self._hold_back()

    def _hold_back(self) -> None:
        """Read no more while there is enough to do."""
        enough = len(self._waiting) > 1 or (
            self._reading is not None and len(self._reading.body) > bounds.MAXIMUM_UNREAD
        )
        if enough is not self._held_back and not self.closed:
            self._held_back = enough
            if enough:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _cut(self) -> None:
        for request in (self._served, self._reading):
            if request is not None:
                request.cut = True
                request.wake()

    def _refuse(self, status: int, text: str) -> None:
        """Refuse what cannot be read, behind the answers to what came before it."""
        self._ending = True
        begun, self._reading = self._reading, None
        if begun is not None and begun.method:  # the application refuses what stays incomplete
            begun.cut = True
            begun.wake()
            return
        refused = refusal(status, "invalid_request", text, self.date)
        if self._served is None and not self._waiting:
            self._end(refused)
        else:
            self._last = refused

    def _end(self, last: bytes = b"") -> None:
        """Close once the client has heard the answer.

        To close while it still sends would have its kernel drop the answer (RFC 9112 section 9.6).
        """
        self._ignored = 0
        self._since = self._server.tick
        self._waiting.clear()
        if not self.closed:
            self._transport.write(last)
            self._hang_up()
        if self._held_back:
            self._held_back = False
            self._transport.resume_reading()

    def _ignore(self, count: int) -> None:
        self._ignored = (self._ignored or 0) + count
        if self._ignored > bounds.MAXIMUM_IGNORED:
            self._transport.abort()
