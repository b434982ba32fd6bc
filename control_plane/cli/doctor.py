"""`auth-service doctor`: is everything in order, and if not, what is to be done."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import click
import msgspec
from aiosmtplib import SMTPException
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from control_plane.billing.catalogue import find_prices
from control_plane.billing.records import last_arrived
from control_plane.billing.rules import BillingRefused
from control_plane.billing.stripe_gateway import open_gateway
from control_plane.cli.command import Terminal, command
from control_plane.cli.settings import Login, load_config
from control_plane.jobs.repository import newest_run, queue_states
from control_plane.keys.actions import unopenable_keys
from control_plane.mail.smtp import Smtp
from control_plane.people.repository import has_people
from control_plane.staff.repository import list_staff
from control_plane.staff.rules import StaffRole
from control_plane.tenants.actions import list_tenants
from migrations.run import pending
from shared.domain.issuer import issuer_url
from shared.runtime.config import LOCAL_SMTP, Config, ConfigError
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_group = click.Group()

_OLDEST, _NEWEST = 15, 18  # PostgreSQL's major versions that we are tested on
_SKEW = 5.0  # seconds
_SAMPLE = 20  # tenants whose keys and discovery are looked at
_TIMEOUT = 5  # seconds
_SILENT = 600  # seconds without any background work that are too many


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    check: str
    ok: bool
    detail: str


class Trouble(Exception):
    """A check failed; the message says what is to be done."""


@command(_group, "doctor")
def doctor(terminal: Terminal) -> None:
    """Check configuration, database, clocks, keys, discovery, mail, jobs, Stripe.

    Exit 1 if anything is wrong.
    """
    found = asyncio.run(_examine(terminal))
    lines = [f"{'ok ' if each.ok else 'BAD'}  {each.check:<14} {each.detail}" for each in found]
    terminal.show({"checks": found}, "\n".join(lines))
    if not all(each.ok for each in found):
        raise SystemExit(1)


async def _examine(terminal: Terminal) -> list[Finding]:
    try:
        config = load_config(terminal.data_dir, Login.CONTROL)
    except ConfigError as error:
        return [Finding(check="configuration", ok=False, detail=str(error))]
    found = [Finding(check="configuration", ok=True, detail=config.public_url)]
    database = Database(config.database_url, config.audit_keys)
    checks: dict[str, Callable[[Config, Database], Awaitable[str]]] = {
        "database": _database,
        "migrations": _migrations,
        "clock": _clock,
        "signing keys": _keys,
        "discovery": _discovery,
        "redis": _redis,
        "mail": _mail,
        "jobs": _jobs,
        "stripe": _stripe,
        "support": _support,
    }
    try:
        for name, check in checks.items():
            found.append(await _finding(name, check(config, database)))
            if not found[-1].ok and name in {"database", "migrations"}:
                break  # nothing after it could be told
    finally:
        await database.close()
    return found


async def _finding(name: str, check: Awaitable[str]) -> Finding:
    try:
        return Finding(check=name, ok=True, detail=await check)
    except (Trouble, OSError, ValueError, DBAPIError, asyncpg.PostgresError) as error:
        said = str(error).splitlines() or [type(error).__name__]
        return Finding(check=name, ok=False, detail=said[0])


async def _database(_: Config, database: Database) -> str:
    async with database.control() as connection:
        version = str(await connection.scalar(text("SHOW server_version")))
    if not _OLDEST <= int(version.split(".", maxsplit=1)[0]) <= _NEWEST:
        raise Trouble(f"PostgreSQL {version}: use one of {_OLDEST} to {_NEWEST}")
    return f"PostgreSQL {version}"


async def _migrations(_: Config, database: Database) -> str:
    todo = await pending(database)
    if todo:
        raise Trouble(f"{todo[0]} (of {len(todo)}): run auth-service migrate")
    return "at this release"


async def _clock(_: Config, database: Database) -> str:
    async with database.control() as connection:
        before = time.time()
        theirs = float(
            await connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
        )
        ours = (before + time.time()) / 2
    if abs(theirs - ours) > _SKEW:
        raise Trouble(f"this machine and the database are {theirs - ours:+.1f} s apart")
    return f"{theirs - ours:+.3f} s from the database's"


async def _keys(config: Config, database: Database) -> str:
    sealer = Sealer(config.master_keys)
    tenants = await list_tenants(database, after="", limit=_SAMPLE)
    for tenant in tenants:
        closed = await unopenable_keys(database, tenant.id, sealer)
        if closed:
            raise Trouble(f"MASTER_KEY does not open {len(closed)} keys of tenant {tenant.slug}")
    return f"those of {len(tenants)} tenants open"


async def _discovery(config: Config, database: Database) -> str:
    tenants = await list_tenants(database, after="", limit=1)
    if not tenants:
        return "no tenant yet"
    issuer = issuer_url(config.public_url, tenants[0].slug)
    document = await asyncio.to_thread(_fetch, f"{issuer}/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        raise Trouble(f"{issuer} says that it is {document.get('issuer')}: check PUBLIC_URL")
    return issuer


async def _redis(config: Config, _: Database) -> str:
    if config.redis_url is None:
        return "not used: each worker keeps to limits by itself, and sessions are in the database"
    from redis.asyncio import Redis  # noqa: PLC0415 - an extra
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        async with Redis.from_url(config.redis_url, socket_timeout=_TIMEOUT) as redis:
            await redis.set("auth:probe", "1", px=1_000)
    except RedisError as error:
        raise Trouble(f"REDIS_URL: {error}") from error
    return "limits and sessions are shared"


async def _mail(config: Config, database: Database) -> str:
    try:
        return await Smtp(config.smtp_url, config.mail_from).check(_TIMEOUT)
    except (SMTPException, OSError) as error:
        async with database.control() as connection:
            needed = config.smtp_url != LOCAL_SMTP or await has_people(connection)
        if needed:
            raise Trouble(f"SMTP_URL: {error}") from error
    return "SMTP_URL is not set: the console needs it once people sign up"


async def _jobs(_: Config, database: Database) -> str:
    async with database.control() as connection:
        queues = await queue_states(connection)
        newest = await newest_run(connection)
    failed = sum(each.failed for each in queues)
    if failed:
        raise Trouble(f"{failed} jobs were given up: look at auth-service jobs list")
    waits = max((each.oldest or 0 for each in queues), default=0)
    silent = None if newest is None else (datetime.now(UTC) - newest).total_seconds()
    if (silent is None and waits > _SILENT) or (silent is not None and silent > _SILENT):
        raise Trouble("nobody does the background work: start auth-service serve jobs")
    if silent is None:
        return "no background work was done yet: auth-service serve jobs does it"
    return f"the last background work was done {silent:.0f} s ago"


async def _stripe(config: Config, database: Database) -> str:
    gateway = open_gateway(config.stripe_api_key, config.stripe_api_base)
    if gateway is None:
        return "STRIPE_API_KEY is not set: nothing is sold here"
    try:
        await find_prices(gateway)
    except BillingRefused as error:
        raise Trouble(str(error)) from error
    finally:
        await gateway.close()
    async with database.control() as connection:
        delivered, fetched = await last_arrived(connection)
    if fetched is not None and (delivered is None or delivered < fetched):
        hook = f"{config.console_url}/webhooks/stripe"
        raise Trouble(f"Stripe's events had to be fetched: is its webhook {hook}, with our secret?")
    last = "none yet" if delivered is None else f"the last at {delivered:%Y-%m-%d %H:%M} UTC"
    return f"it knows our key and has our prices; events delivered: {last}"


async def _support(config: Config, database: Database) -> str:
    async with database.control() as connection:
        found = [each for each in await list_staff(connection) if each.disabled_at is None]
    if not found:
        return "nobody may sign in to it: auth-service staff create adds somebody"
    leads = [each for each in found if each.role is StaffRole.LEAD and each.is_enrolled]
    return f"{config.support_url}: staff {len(found)}, of them leads who can sign in {len(leads)}"


def _fetch(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - PUBLIC_URL is http(s)
        document: dict[str, object] = json.loads(answer.read())
    return document
