"""Fetching documents of others, whose URLs a tenant may choose: no way to the inside.

The address that is connected to is the one that was judged, so that a name which resolves anew
(DNS rebinding) gains nothing; TLS verifies the name all the same. httpcore by itself follows no
redirect, keeps no cookie, knows no proxy and inflates nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any, Self, TypeAlias

import httpcore

from shared.domain.outbound_url import (
    Address,
    FetchRefused,
    Network,
    OutboundUrl,
    check_outbound_url,
    judge_address,
)

LARGEST_DOCUMENT = 64 * 1024  # octets
_PATIENCE = 3.0  # seconds for all of a fetch
_PATIENCE_WITH_AN_ADDRESS = 1.0  # seconds to connect, before the next address is tried
_OK = 200
_RESOLVING = 8  # at once
_HEADERS = (("Accept", "application/json"), ("Accept-Encoding", "identity"))

_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    OSError,
)

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]  # host and port to addresses


class SystemResolver:
    """The system's resolver, in threads of its own.

    A name server that is slow on purpose would else hold the loop's threads, which the database's
    name is resolved in too.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVING, "resolver")

    async def __call__(self, host: str, port: int) -> list[str]:
        """Give every address of the name. Raises OSError."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [str(address[0]) for *_, address in found]


class Outbound:
    def __init__(
        self,
        networks: Iterable[Network],
        *,
        resolve: Resolve | None = None,
        tls: SSLContext | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        """`networks` may be fetched from although they are inside, and by plain http."""
        self._networks = tuple(networks)
        self._resolve = resolve or SystemResolver()
        self._tls = tls
        self._patience = patience

    async def fetch_json(self, url: str) -> bytes:
        """Give the octets of what says it is JSON; nobody has parsed them. Raises FetchRefused."""
        asked = check_outbound_url(url, self._networks)
        try:
            async with asyncio.timeout(self._patience):
                return await self._fetch(asked)
        except TimeoutError:
            raise FetchRefused("it takes too long") from None
        except _FAILURES:
            raise FetchRefused("it cannot be reached") from None

    async def _fetch(self, asked: OutboundUrl) -> bytes:
        url = httpcore.URL(
            scheme=asked.scheme, host=asked.host, port=asked.port, target=asked.target
        )
        headers = (("Host", asked.authority), *_HEADERS)
        if self._tls is None:  # not at the start: the authorities of all the world are many
            self._tls = await asyncio.to_thread(httpcore.default_ssl_context)
        # a pool for one request: no connection outlives the judgement that it was opened on
        async with (
            _JudgingBackend(asked.scheme, self._networks, self._resolve) as backend,
            httpcore.AsyncConnectionPool(self._tls, network_backend=backend) as pool,
            pool.stream("GET", url, headers=headers) as response,
        ):
            _check_answer(response)
            document = bytearray()
            async for piece in response.aiter_stream():
                document += piece
                if len(document) > LARGEST_DOCUMENT:
                    raise FetchRefused("it is larger than 64 KiB")
            return bytes(document)


class _JudgingBackend(httpcore.AsyncNetworkBackend):
    """Resolves the name once, judges every address of it, and connects to one of these."""

    def __init__(self, scheme: str, networks: tuple[Network, ...], resolve: Resolve) -> None:
        self._scheme = scheme
        self._networks = networks
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()
        self._open: httpcore.AsyncNetworkStream | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what the pool forgets: a socket whose TLS handshake did not end in time."""
        if self._open is not None:
            await self._open.aclose()

    async def connect_tcp(
        self, host: str, port: int, *_: Any, **__: Any
    ) -> httpcore.AsyncNetworkStream:
        # one bad address condemns the name: a name of the world has no address of the inside
        addresses = [self._judge(each) for each in await self._resolve(host, port)]
        for address in addresses:
            try:
                self._open = await self._sockets.connect_tcp(
                    str(address), port, timeout=_PATIENCE_WITH_AN_ADDRESS
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return self._open
        raise httpcore.ConnectError

    def _judge(self, text: str) -> Address:
        address = ip_address(text)
        judge_address(address, self._scheme, self._networks)
        return address


def _check_answer(response: httpcore.Response) -> None:
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    if response.status != _OK:
        raise FetchRefused("its status is not 200")
    if not _is_json(headers.get(b"content-type", "")):
        raise FetchRefused("its content type is not application/json")
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise FetchRefused("it is compressed")


def _is_json(content_type: str) -> bool:
    """Tell whether it is application/json or a kind of it (RFC 6839 section 3.1)."""
    media_type = content_type.partition(";")[0].strip().lower()
    kind, _, subtype = media_type.partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))
