"""The double as a server: in a thread of its own, so that any test can use it, or as a process."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.runtime.http1_server import Http1Server
from shared.runtime.leaving import Leaving
from tests.stripe_double.api import Api, Call
from tests.stripe_double.deliveries import Deliveries
from tests.stripe_double.faults import Faults, words_of
from tests.stripe_double.kept import read_kept
from tests.stripe_double.pages import Pages
from tests.stripe_double.store import Store
from tests.stripe_double.timeline import catch_up
from tests.stripe_double.wire import JSON

SECRET = "whsec_" + "stripedouble" * 2


class StripeDouble:
    """What tests steer. `store` has everything that it knows; hold `lock` to read it at rest."""

    def __init__(self, url: str, webhook_url: str | None, secret: str) -> None:
        self.url = url  # for STRIPE_API_BASE
        self.secret = secret  # for STRIPE_WEBHOOK_SECRET
        self.key = "sk_test_of_the_double"  # for STRIPE_API_KEY; any other sk_test_… does too
        self.lock = threading.RLock()
        self.store = Store()
        self.store.url = url
        self.faults = Faults()
        self.deliveries = Deliveries(self.store, webhook_url, secret)
        self.calls: list[tuple[str, str]] = []  # method and path, in their order
        self._api = Api(self.store)
        self._pages = Pages(self.store, self.advance)

    def advance(self, *, days: float = 0, seconds: int = 0) -> None:
        """Move the clock, and have all happen in between: renewals, retries, ends of trials."""
        with self.lock:
            self.store.clock.move(int(days * 86_400) + seconds)
            catch_up(self.store)

    @property
    def events(self) -> list[JSON]:
        """All of them, in their order."""
        return list(self.store.events)

    def happen(self) -> None:
        with self.lock:
            catch_up(self.store)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = await _body(receive)
        method, path = scope["method"], scope["path"]
        if not path.startswith("/v1/"):
            with self.lock:
                status, headers, text = self._pages.answer(method, path, body.decode())
            await _send(send, status, headers, text)
            return
        self.calls.append((method, path))
        fault = self.faults.take(method, path)
        if fault is not None:
            await asyncio.sleep(fault.seconds)
            if fault.status is not None:
                await _send_json(
                    send, fault.status, {"request-id": "req_fault"}, words_of(fault.status)
                )
                return
        query = scope["query_string"].decode()
        fields = "&".join(each for each in (query, body.decode()) if each)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        with self.lock:
            answer = self._api.answer(Call(method, path, fields, headers))
        if fault is not None and fault.lost:
            await _break_off(send)
        await _send_json(send, answer.status, answer.headers, answer.body)


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event.get("body", b""), event.get("more_body", False)
    return body


async def _send_json(send: Any, status: int, headers: dict[str, str], body: JSON) -> None:
    text = json.dumps(body, default=str).encode()
    await _send(send, status, {"content-type": "application/json"} | headers, text)


async def _send(send: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    names = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": names})
    await send({"type": "http.response.body", "body": body})


async def _break_off(send: Any) -> None:
    """Begin an answer, and close the connection: the server does, where an application fails."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionAbortedError("the answer is lost on purpose")


@contextmanager
def run_stripe_double(
    *,
    port: int = 0,
    webhook_url: str | None = None,
    secret: str = SECRET,
    delivers: bool = False,
    state: Path | None = None,
) -> Iterator[StripeDouble]:
    """Serve on 127.0.0.1 until the block is left; `delivers` sends events by itself.

    `state` is the file of an earlier one, whose knowledge this one begins with.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        double = StripeDouble(f"http://127.0.0.1:{listener.getsockname()[1]}", webhook_url, secret)
        if state is not None:
            read_kept(double.store, state)
        loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

        def serve() -> None:
            loop.run_until_complete(_serve(double, listener, ready, stop, delivers=delivers))
            loop.close()

        thread = threading.Thread(target=serve, name="stripe double", daemon=True)
        thread.start()
        ready.wait()
        try:
            yield double
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


async def _serve(
    double: StripeDouble,
    listener: socket.socket,
    ready: threading.Event,
    stop: asyncio.Event,
    *,
    delivers: bool,
) -> None:
    server = Http1Server(double, Leaving())
    await server.accept(listener)
    delivering = asyncio.create_task(double.deliveries.run(double.happen)) if delivers else None
    ready.set()
    await stop.wait()
    if delivering is not None:
        delivering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivering
    for each in list(server.connections):
        each.abort()
    await server.finish()
