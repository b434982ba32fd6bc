"""The composition root: the only module that knows every other one."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
from litestar import Litestar
from litestar.exceptions import HTTPException

from data_plane.asgi import DataPlane, framework_error
from data_plane.background import keep, repeat, running
from data_plane.handlers.door import Door, InFlight
from data_plane.handlers.given import Given
from data_plane.handlers.health import health_handlers
from data_plane.handlers.lane import Lanes
from data_plane.handlers.lane_documents import DocumentLane
from data_plane.handlers.lane_form import PlainForms
from data_plane.handlers.lane_introspect import IntrospectionLane
from data_plane.handlers.lane_known import KnownRequests
from data_plane.handlers.lane_token import TokenLane
from data_plane.handlers.mount import DOCUMENTS, IssuersMount
from data_plane.handlers.telling import Telling
from data_plane.issuers.directory import IssuerDirectory
from data_plane.issuers.follower import Follower
from data_plane.key_sets import FetchedKeySets
from data_plane.limits.admission import PlanLimits
from data_plane.limits.quotas import MonthlyQuotas
from data_plane.limits.wrong_secrets import WrongSecrets
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.protocol.proved import KeyedHash
from data_plane.protocol.verified import VerifiedTokens
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
from data_plane.store.sharing import Sharing, share
from data_plane.store.snapshots import StoredSnapshots
from data_plane.store.spool import Spool
from data_plane.store.thresholds import StoredThresholds
from data_plane.store.usage import StoredUsage
from shared.domain.ids import uuid7_octets
from shared.domain.management import management_audience
from shared.runtime.config import Config, read_process_config
from shared.runtime.leaving import Leaving
from shared.runtime.logs import configure_logs
from shared.runtime.outbound import Outbound
from shared.runtime.random_octets import RandomOctets
from shared.runtime.request_log import RequestLog
from shared.runtime.sealing import Sealer
from shared.runtime.telemetry import Telemetry

_PARTITIONS_EVERY = 3600.0  # seconds
_FORGET_EVERY = 300.0  # seconds
_USES_EVERY = 5.0  # seconds
_COUNTS_EVERY = 1.0  # seconds
_USAGE_EVERY = 1.0  # seconds


def from_environment(leaving: Leaving) -> Door:
    """Make a worker's application, and its lane."""
    config = read_process_config()
    configure_logs(config.log_level)
    return create_app(config, leaving, Telemetry())


def create_app(config: Config, leaving: Leaving, telemetry: Telemetry) -> Door:
    request_log = RequestLog()
    pool = Pool(config.database_url)
    snapshots, revocations = StoredSnapshots(pool), StoredRevocations(pool)
    issued_counts, refusals = StoredIssuedCounts(pool), NotedRefusals()
    usage = StoredUsage(pool, refusals)
    ledger = _ledger(config, pool, issued_counts, telemetry)
    replays, secret_uses = StoredReplays(pool, lambda *_: None), StoredSecretUses(pool)
    directory = IssuerDirectory(config.public_url, snapshots.of_slug)
    follower = Follower(
        directory,
        PublishedFeed(config.database_url),
        _now,
        lambda: telemetry.observe_look(len(directory)),
    )
    sharing = share(config.redis_url, telemetry.observe_shared)
    limits = PlanLimits(
        MonthlyQuotas(issued_counts, StoredThresholds(pool)),
        usage,
        telemetry.observe_limited,
        _now,
        leases=sharing.leases,
    )
    key_sets = FetchedKeySets(Outbound(config.outbound_networks).fetch_json, time.monotonic)
    random = RandomOctets()
    given = Given(
        issuers=directory,
        clients=StoredClients(pool),
        ledger=ledger,
        usage=usage,
        refusals=refusals,
        replays=replays,
        secret_uses=secret_uses,
        wrong_secrets=WrongSecrets(sharing.guesses),
        limits=limits,
        revocations=revocations,
        signer=JwtSigner(Sealer(config.master_keys)),
        verifier=ForeignVerifier(),
        key_sets=key_sets,
        signed_requests=OperatorSignatures(config.operator_keys),
        readiness=follower,
        clock=_now,
        new_token_id=lambda: _new_token_id(random),
        new_request_id=lambda: random.take(8).hex(),
        keyed_hash=KeyedHash(random.take(32)),
        verified=VerifiedTokens(),
        peppers={pepper.key_id: pepper.octets for pepper in config.secret_peppers},
        management_audience=management_audience(config.console_url),
    )

    parts = _Parts(
        follower=follower,
        ledger=ledger,
        replays=replays,
        secret_uses=secret_uses,
        usage=usage,
        limits=limits,
        sharing=sharing,
        key_sets=key_sets,
        pool=pool,
        telemetry=telemetry,
        request_log=request_log,
    )
    litestar = Litestar(
        route_handlers=health_handlers(follower, telemetry, leaving),
        lifespan=[lambda _: _run(parts)],
        exception_handlers={HTTPException: framework_error},
        openapi_config=None,
        logging_config=None,
    )
    telling = Telling(
        usage=usage,
        took=usage.took,
        refusals=refusals,
        telemetry=telemetry,
        request_log=request_log,
    )
    asked_by = config.own_hosts, config.trusted_proxies
    application = DataPlane(litestar, IssuersMount(given, telling, *asked_by))
    in_flight = InFlight()
    forms = PlainForms(given, *asked_by)
    known = KnownRequests(given.keyed_hash)
    lanes = Lanes(
        known,
        telemetry,
        in_flight,
        {
            "oauth/token": TokenLane(given, telling, in_flight, forms, known),
            "oauth/introspect": IntrospectionLane(given, telling, forms, known),
            **dict.fromkeys(DOCUMENTS, DocumentLane(given, telling, known)),
        },
    )
    return Door(application, telemetry, in_flight, lanes)


class _Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What works beside the answering, and has something to finish at the end."""

    follower: Follower
    ledger: SpooledLedger
    replays: StoredReplays
    secret_uses: StoredSecretUses
    usage: StoredUsage
    limits: PlanLimits
    sharing: Sharing
    key_sets: FetchedKeySets
    pool: Pool
    telemetry: Telemetry
    request_log: RequestLog


@asynccontextmanager
async def _run(parts: _Parts) -> AsyncIterator[None]:
    """Follow, and keep in order, from the worker's start to its end; then lose nothing."""
    ledger, replays, secret_uses = parts.ledger, parts.replays, parts.secret_uses
    tasks = (
        parts.follower.run(),
        ledger.replay(),
        keep(_PARTITIONS_EVERY, ledger.ensure_partitions),
        keep(_FORGET_EVERY, replays.forget_expired),
        keep(_USES_EVERY, secret_uses.flush),
        keep(_USAGE_EVERY, parts.usage.flush),
        parts.sharing.watch(),
        repeat(_COUNTS_EVERY, parts.telemetry.flush),
    )
    async with running(tasks):
        yield
        await asyncio.gather(ledger.drain(), replays.drain(), parts.limits.drain())
        await _flush(secret_uses.flush, parts.usage.flush)
    await ledger.close()
    await asyncio.gather(parts.key_sets.close(), parts.sharing.close())
    await parts.pool.close()
    parts.telemetry.flush()
    parts.request_log.flush()


def _ledger(
    config: Config, pool: Pool, counts: StoredIssuedCounts, telemetry: Telemetry
) -> SpooledLedger:
    spool = Spool(config.spool_dir, config.spool_limit, telemetry.observe_spool)
    return SpooledLedger(config.database_url, pool, spool, counts, telemetry.observe_commit)


async def _flush(*flushes: Callable[[], Awaitable[None]]) -> None:
    for flush in flushes:
        with suppress(TemporarilyUnavailable):
            await flush()


def _now() -> int:
    return int(time.time())


def _new_token_id(random: RandomOctets) -> bytes:
    return uuid7_octets(time.time_ns() // 1_000_000, int.from_bytes(random.take(10), "big") >> 6)
