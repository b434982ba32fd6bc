"""A request and its answer as an ASGI application has them (ASGI 3, HTTP)."""

import asyncio
import logging
from typing import Any
from urllib.parse import unquote_to_bytes

from httptools import HttpParserInvalidURLError, parse_url

from shared.runtime.http1 import Connection
from shared.runtime.http1_answer import CLOSE, Header, head, refusal
from shared.runtime.http1_request import Request

_log = logging.getLogger("http")

_CHUNKED: Header = (b"transfer-encoding", b"chunked")
_WITHOUT_BODY = frozenset({204, 304})  # RFC 9110 section 6.4.1
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_OUR_MISTAKE = "something went wrong on our side"


class Exchange:
    def __init__(self, request: Request, connection: Connection) -> None:
        self._request = request
        self._connection = connection
        self._close = False  # the answer has said that it is the last
        self._status = 0
        self._headers: list[Header] = []
        self._begun = False  # the answer's head is written
        self._chunked = False
        self._ended = False
        self._told = False  # the application has had the whole body

    async def run(self, application: Any) -> None:
        """Have the application answer, or else close: of its mistakes the caller hears nothing."""
        try:
            await application(self._scope(), self.receive, self.send)
            if not self._ended:
                _log.error("an application ended without an answer")
        except Exception as error:  # noqa: BLE001 - the last resort
            _log.error("unexpected error", exc_info=error)
        if self._ended:
            return
        self._ended = True
        if self._begun:
            self._connection.abort()  # so that what was sent does not look whole
        else:
            self._connection.write(
                refusal(500, "server_error", _OUR_MISTAKE, self._connection.date)
            )
            self._connection.answered(close=True)

    async def receive(self) -> dict[str, Any]:
        request = self._request
        if self._told:
            while not request.cut and not self._ended:
                await self._more()
        else:
            await self._some()
        if self._told or (request.cut and not request.whole):
            return {"type": "http.disconnect"}
        body, request.body = request.body, b""
        self._told = request.whole
        if not self._told:
            self._connection.taken()
        return {"type": "http.request", "body": body, "more_body": not self._told}

    async def send(self, event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            self._status = event["status"]
            self._headers = [(name.lower(), value) for name, value in event["headers"]]
            return
        body, more = event.get("body", b""), event.get("more_body", False)
        if self._ended:
            return
        if self._begun or more:
            self._stream(body, more=more)
        else:
            self._send_whole(body)
        if not more:
            self._ended = True
            self._request.wake()
            self._connection.answered(close=self._close)
        else:
            await self._connection.drained()

    def _send_whole(self, body: bytes) -> None:
        if self._request.method == b"HEAD" or self._status in _WITHOUT_BODY:
            self._write_head(len(body))
        else:
            self._write_head(len(body), body)

    def _stream(self, body: bytes, *, more: bool) -> None:
        if not self._begun:
            self._write_head(None)
            self._begun = True
        if self._request.method == b"HEAD":
            return
        if self._chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body += b"" if more else b"0\r\n\r\n"
        self._connection.write(body)

    def _write_head(self, length: int | None, body: bytes = b"") -> None:
        """Say how long the body is; None: in chunks, unless the application has said it."""
        headers = self._headers
        names = {name for name, _ in headers}
        if b"content-length" not in names and self._status not in _WITHOUT_BODY:
            self._chunked = length is None
            headers.append(_CHUNKED if length is None else (b"content-length", b"%d" % length))
        self._close = self._connection.is_last or CLOSE in headers
        if self._close and CLOSE not in headers:
            headers.append(CLOSE)
        date = b"" if b"date" in names else self._connection.date
        self._connection.write(head(self._status, headers, date) + body)

    def _continues(self) -> bool:
        """Tell whether the client waits to be told that its body is wanted, RFC 9110 10.1.1."""
        return (b"expect", b"100-continue") in self._request.headers

    async def _some(self) -> None:
        """Wait until there is something of the body, or the end of it."""
        request = self._request
        if not (request.body or request.whole or request.cut) and self._continues():
            self._connection.write(_CONTINUE)
        while not (request.body or request.whole or request.cut):
            await self._more()

    async def _more(self) -> None:
        arrived = self._request.arrived = asyncio.get_running_loop().create_future()
        await arrived

    def _scope(self) -> dict[str, Any]:
        request = self._request
        path, _, query = _origin_form(request.target).partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method.decode(),
            "scheme": "http",
            "path": (unquote_to_bytes(path) if b"%" in path else path).decode(errors="replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": request.headers,
            "client": self._connection.peer,
            "server": None,
            "state": {},
        }


def _origin_form(target: bytes) -> bytes:
    """Give the target without its scheme and host, where a proxy was meant (RFC 9112 3.2.2)."""
    if target.startswith(b"/") or b"://" not in target:
        return target
    try:
        parsed = parse_url(target)
    except HttpParserInvalidURLError:
        return target
    return (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
