"""A kept connection to each worker of a server, so that every one of them can be asked."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import psutil

from tests.support import Server

_MOST = 60  # connections, until each worker has taken one


@asynccontextmanager
async def lines_to_workers(server: Server, workers: int) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Connect until each worker has taken a connection; give one to each."""
    held: dict[int, httpx.AsyncClient] = {}
    async with AsyncExitStack() as stack:
        for _ in range(_MOST):
            http = httpx.AsyncClient(
                base_url=server.url, limits=httpx.Limits(max_connections=1), timeout=60
            )
            await stack.enter_async_context(http)
            port = port_of(await http.get("/livez"))
            held.setdefault(_taker_of(server, port), http)
            if len(held) == workers:
                break
        assert len(held) == workers, held
        yield list(held.values())


def port_of(answer: httpx.Response) -> int:
    """Give our side's port of the connection that was answered on."""
    stream: Any = answer.extensions["network_stream"]
    return int(stream.get_extra_info("client_addr")[1])


def _taker_of(server: Server, port: int) -> int:
    """Give the process that has taken the connection from our port."""
    takers = {
        process.pid
        for process in psutil.Process(server.pid).children(recursive=True)
        for each in process.net_connections("tcp")
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
