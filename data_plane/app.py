"""The composition root: the only module that knows every other one."""

import asyncio
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from litestar import Litestar, Request, Response, asgi
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from data_plane.handlers.health import health_handlers
from data_plane.handlers.mount import IssuersMount
from data_plane.issuers.directory import IssuerDirectory
from data_plane.issuers.follower import Follower
from data_plane.key_sets import FetchedKeySets
from data_plane.limits import WrongSecrets
from data_plane.ports import Given
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.signed_requests import OperatorSignatures
from data_plane.signing import ForeignVerifier, JwtSigner
from data_plane.store.clients import StoredClients
from data_plane.store.feed import PublishedFeed
from data_plane.store.issued_counts import StoredIssuedCounts
from data_plane.store.ledger import SpooledLedger
from data_plane.store.pool import Pool
from data_plane.store.refusals import NotedRefusals
from data_plane.store.replays import StoredReplays
from data_plane.store.revoked import StoredRevocations
from data_plane.store.secret_uses import StoredSecretUses
from data_plane.store.snapshots import StoredSnapshots
from data_plane.store.spool import Spool
from data_plane.store.usage import StoredUsage
from shared.domain.ids import uuid7
from shared.domain.management import management_audience
from shared.runtime.config import Config, read_process_config
from shared.runtime.logs import configure_logs
from shared.runtime.outbound import Outbound
from shared.runtime.sealing import Sealer
from shared.runtime.telemetry import Telemetry

_log = logging.getLogger("data_plane")

_PARTITIONS_EVERY = 3600.0  # seconds
_FORGET_EVERY = 300.0  # seconds
_USES_EVERY = 5.0  # seconds
_USAGE_EVERY = 1.0  # seconds
_RETRY = 1.0  # seconds


def from_environment() -> Litestar:
    """Make a worker's application: what granian calls."""
    config = read_process_config()
    configure_logs(config.log_level)
    return create_app(config)


def create_app(config: Config) -> Litestar:
    telemetry = Telemetry()
    pool = Pool(config.database_url)
    snapshots, revocations = StoredSnapshots(pool), StoredRevocations(pool)
    issued_counts, refusals = StoredIssuedCounts(pool), NotedRefusals()
    usage = StoredUsage(pool, refusals)
    ledger = _ledger(config, pool, issued_counts, telemetry)
    replays = StoredReplays(pool, lambda _records, _seconds: None)
    secret_uses = StoredSecretUses(pool)
    directory = IssuerDirectory(config.public_url, snapshots.of_slug, revocations.of_tenant)
    follower = Follower(
        directory,
        PublishedFeed(config.database_url),
        _now,
        lambda: telemetry.observe_look(len(directory)),
    )
    key_sets = FetchedKeySets(Outbound(config.outbound_networks).fetch_json, time.monotonic)
    given = Given(
        issuers=directory,
        clients=StoredClients(pool),
        ledger=ledger,
        issued_counts=issued_counts,
        usage=usage,
        refusals=refusals,
        replays=replays,
        secret_uses=secret_uses,
        wrong_secrets=WrongSecrets(),
        revocations=revocations,
        signer=JwtSigner(Sealer(config.master_keys)),
        verifier=ForeignVerifier(),
        key_sets=key_sets,
        signed_requests=OperatorSignatures(config.operator_keys),
        readiness=follower,
        clock=_now,
        new_token_id=_new_token_id,
        peppers={pepper.key_id: pepper.octets for pepper in config.secret_peppers},
        management_audience=management_audience(config.console_url),
    )

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(follower.run()),
            asyncio.create_task(ledger.replay()),
            asyncio.create_task(_keep(_PARTITIONS_EVERY, ledger.ensure_partitions)),
            asyncio.create_task(_keep(_USAGE_EVERY, usage.flush)),
            asyncio.create_task(_keep(_FORGET_EVERY, replays.forget_expired)),
            asyncio.create_task(_keep(_USES_EVERY, secret_uses.flush)),
        ]
        for task in tasks:
            task.add_done_callback(_end_worker)
        try:
            yield
        finally:
            await asyncio.gather(ledger.drain(), replays.drain())
            await _flush(secret_uses.flush, usage.flush)
            await _cancel(tasks)
            await ledger.close()
            await key_sets.close()
            await pool.close()

    return Litestar(
        route_handlers=[
            *_mounts(IssuersMount(given, telemetry, config.own_hosts, config.trusted_proxies)),
            *health_handlers(follower, telemetry),
        ],
        lifespan=[running],
        exception_handlers={HTTPException: _framework_error, Exception: _last_resort},
        openapi_config=None,
        logging_config=None,
    )


def _ledger(
    config: Config, pool: Pool, counts: StoredIssuedCounts, telemetry: Telemetry
) -> SpooledLedger:
    spool = Spool(config.spool_dir, config.spool_limit, telemetry.observe_spool)
    return SpooledLedger(config.database_url, pool, spool, counts, telemetry.observe_commit)


async def _flush(*flushes: Callable[[], Awaitable[None]]) -> None:
    for flush in flushes:
        with suppress(TemporarilyUnavailable):
            await flush()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _mounts(issuers: IssuersMount) -> list[ASGIRouteHandler]:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await issuers(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    return [asgi(path, is_mount=True, copy_scope=False)(serve) for path in ("/t", "/.well-known")]


async def _keep(every: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work every so many seconds, and soon again where the store is down."""
    while True:
        try:
            await work()
            await asyncio.sleep(every)
        except TemporarilyUnavailable:
            await asyncio.sleep(_RETRY)


def _end_worker(task: asyncio.Task[None]) -> None:
    """End a worker that would serve on without hearing of any change; another takes its place."""
    if not task.cancelled():
        _log.critical("a task that never ends has ended", exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


def _framework_error(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[dict[str, str]]:
    """Answer what the framework refuses before a handler of ours is reached."""
    status, headers = error.status_code, {"Cache-Control": "no-store", **(error.headers or {})}
    body = {"error": "invalid_request", "error_description": "the request cannot be served here"}
    if not (request.scope.get("raw_path") or b"").startswith(b"/"):  # `@evil`, or `*`
        status = 400
    elif isinstance(error, NotFoundException):
        body = {"error": "not_found", "error_description": "there is nothing here"}
    return Response(body, status_code=status, headers=headers)


def _last_resort(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    """Answer a mistake of ours: nothing of it reaches the caller, all of it the log."""
    _log.error("unexpected error", exc_info=error)
    body = {"error": "server_error", "error_description": "something went wrong on our side"}
    return Response(body, status_code=500, headers={"Cache-Control": "no-store"})


def _now() -> int:
    return int(time.time())


def _new_token_id() -> bytes:
    return uuid7(time.time_ns() // 1_000_000, secrets.randbits(74)).bytes
