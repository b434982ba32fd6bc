"""A kept connection to each worker of a server, so that every one of them can be asked."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import psutil

from tests.support import Server

_PATIENCE = 60.0  # seconds


@asynccontextmanager
async def lines_to_workers(
    server: Server, workers: int = 2
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Connect until each worker serves and has taken a connection; give one to each.

    An answer that comes over another connection fails: another worker may have taken that.
    """
    held: dict[int, httpx.AsyncClient] = {}
    end = time.monotonic() + _PATIENCE
    async with AsyncExitStack() as stack:
        while len(held) < workers:
            assert time.monotonic() < end, held
            http = await stack.enter_async_context(_line(server))
            port = port_of(await http.get("/livez"))
            if (taker := _taker_of(server, port)) in held:
                await http.aclose()
            else:
                held[taker] = http
                http.event_hooks = {"response": [_stays(port)]}
        yield list(held.values())


def _line(server: Server) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=1)
    return httpx.AsyncClient(base_url=server.url, limits=limits, timeout=_PATIENCE)


def _stays(port: int) -> Callable[[httpx.Response], Awaitable[None]]:
    async def check(answer: httpx.Response) -> None:
        assert port_of(answer) == port, "the connection was replaced"

    return check


def port_of(answer: httpx.Response) -> int:
    """Give our side's port of the connection that was answered on."""
    stream: Any = answer.extensions["network_stream"]
    return int(stream.get_extra_info("client_addr")[1])


def _taker_of(server: Server, port: int) -> int:
    """Give the process that has taken the connection from our port."""
    takers = {
        process.pid
        for process in psutil.Process(server.pid).children(recursive=True)
        for each in process.net_connections("tcp4")
        if each.status == psutil.CONN_ESTABLISHED and each.raddr.port == port
    }
    (taker,) = takers
    return taker


def percentiles(seconds: list[float]) -> Mapping[str, float]:
    ordered = sorted(seconds)
    at = {"p50": 0.50, "p99": 0.99, "worst": 1.0}
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 4)
        for name, part in at.items()
    }
