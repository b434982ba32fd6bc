"""The composition root of the console: the only module that knows every feature's pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from functools import partial

import msgspec
from litestar import Litestar
from litestar.static_files import create_static_files_router

from control_plane.apis.pages import API_PAGES
from control_plane.apis.shown import ApiShower
from control_plane.audit.pages import AUDIT_PAGES
from control_plane.audit.shown import Means
from control_plane.billing.actions import Billing
from control_plane.billing.owed import owed_by
from control_plane.billing.pages import BILLING_PAGES
from control_plane.billing.shown import BillingShower
from control_plane.billing.stripe_gateway import open_gateway
from control_plane.billing.webhook import WEBHOOKS
from control_plane.clients.pages import CLIENT_PAGES
from control_plane.clients.shown import ClientShower
from control_plane.http.attempts import Attempts, SharedCounts
from control_plane.http.clock import utc_now
from control_plane.http.cookies import CONSOLE
from control_plane.http.counts_in_database import DatabaseCounts
from control_plane.http.door import Door
from control_plane.http.errors import last_resorts
from control_plane.http.given import given, key_for
from control_plane.http.member_rights import FindSignedIn, MemberRights
from control_plane.http.probes import PROBES
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import SignedIn, Suspended
from control_plane.http.streams import Streams
from control_plane.http.visitors import Visitors
from control_plane.keys.actions import KeyKeeper
from control_plane.keys.pages import KEY_PAGES
from control_plane.keys.shown import KeyShower
from control_plane.keys.stock import KeyStock
from control_plane.limits.actions import Meters
from control_plane.limits.pages import LimitPage
from control_plane.limits.rules import LimitReached
from control_plane.mail.actions import queue_letter
from control_plane.management.pages import API_KEY_PAGES
from control_plane.management_api.problems import by_path
from control_plane.management_api.router import serve_api
from control_plane.members import repository as members
from control_plane.members.rules import Permission, may
from control_plane.overview.pages import OVERVIEW_PAGES
from control_plane.passkeys.actions import Passkeys
from control_plane.passkeys.pages import PASSKEY_PAGES
from control_plane.people.actions import PeopleKeeper
from control_plane.people.pages import PEOPLE_PAGES
from control_plane.people.passwords import Passwords
from control_plane.second_factors.actions import SecondFactors
from control_plane.second_factors.pages import SECOND_FACTOR_PAGES
from control_plane.security.actions import OwnSecurity
from control_plane.security.pages import SECURITY_PAGES
from control_plane.security.shown import AgainShower
from control_plane.sessions.actions import Sessions, SessionStore
from control_plane.sessions.repository import PEOPLES
from control_plane.start.actions import set_up
from control_plane.start.pages import START_PAGES
from control_plane.support_views.actions import SupportViews
from control_plane.support_views.guard import guarded
from control_plane.support_views.pages import SUPPORT_VIEW_PAGES
from control_plane.support_views.rules import PREFIX
from control_plane.team.actions import TeamKeeper
from control_plane.team.joining import Joining
from control_plane.team.joining_pages import JOINING_PAGES
from control_plane.team.pages import TEAM_PAGES
from control_plane.tenants.actions import Generate
from control_plane.tenants.pages import TENANT_PAGES
from control_plane.tenants.shown import TenantShower
from control_plane.usage.log_pages import LogReader
from control_plane.usage.pages import USAGE_PAGES
from shared.domain.jwk import generate_private_key
from shared.runtime.config import STRIPE, Config, read_process_config
from shared.runtime.database import Database
from shared.runtime.leaving import Leaving
from shared.runtime.logs import configure_logs
from shared.runtime.sealing import Sealer
from web import ROOT

_LARGEST_BODY = 64 * 1024


def from_environment(_: Leaving) -> Litestar:
    """Make a worker's application: what the worker serves."""
    config = read_process_config()
    configure_logs(config.log_level)
    return create_console(config, KeyStock())


def create_console(config: Config, stock: KeyStock | None = None) -> Litestar:
    """Compose it. `stock` is kept full while it is served; without one keys are made when asked."""
    database = Database(config.database_url, config.audit_keys)
    pages = Pages(config.console_url, _pages_of_stripe(config))
    csrf_key = key_for(b"console csrf", config)
    visitors = Visitors(pages, csrf_key, config.trusted_proxies)
    passwords = Passwords()
    sealer = Sealer(config.master_keys)
    redis = None if config.redis_url is None else _ThroughRedis(config.redis_url)
    sessions = Sessions(redis.sessions if redis else PEOPLES)
    attempts = Attempts(redis.counts if redis else DatabaseCounts(database))
    people = PeopleKeeper(database, sessions, passwords, queue_letter, config.console_url)
    team = TeamKeeper(database, sessions, queue_letter, config.console_url)
    second_factors = SecondFactors(
        database,
        sessions,
        sealer,
        config.secret_peppers,
        queue_letter,
        config.console_url,
    )
    passkeys = Passkeys(
        database,
        sessions,
        people,
        key_for(b"passkey challenge", config),
        queue_letter,
        config.console_url,
    )
    security = OwnSecurity(
        database, sessions, passwords, second_factors, queue_letter, config.console_url
    )
    means = Means(
        pages=pages,
        visitors=visitors,
        database=database,
        public_url=config.public_url,
        clock=utc_now,
    )
    stripe = open_gateway(config.stripe_api_key, config.stripe_api_base)
    views = SupportViews(database)
    door = _door(
        pages,
        _finder(database, sessions, views, config.support_email or config.mail_from),
        csrf_key,
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        with nullcontext() if stock is None else stock.kept():
            yield
        await database.close()
        for other in (redis, stripe):
            if other is not None:
                await other.close()

    return Litestar(
        route_handlers=[
            *PEOPLE_PAGES,
            API_PAGES,
            *AUDIT_PAGES,
            *API_KEY_PAGES,
            *BILLING_PAGES,
            serve_api(database, config, visitors, utc_now),
            *TEAM_PAGES,
            *JOINING_PAGES,
            *START_PAGES,
            *OVERVIEW_PAGES,
            *TENANT_PAGES,
            CLIENT_PAGES,
            *USAGE_PAGES,
            *KEY_PAGES,
            *PROBES,
            *WEBHOOKS,
            *SECOND_FACTOR_PAGES,
            *SECURITY_PAGES,
            *SUPPORT_VIEW_PAGES,
            *PASSKEY_PAGES,
            create_static_files_router(
                "/static",
                directories=[ROOT / "static"],
                opt={"outside": True},
                cache_control=None,
            ),
        ],
        before_request=guarded(door, pages, visitors, views, utc_now),
        before_send=[pages.protect],
        dependencies={
            # no name is that of a member of some body: of one that is malformed the framework
            # would then say that a dependency of ours is, 500
            "pages": given(pages),
            "visitors": given(visitors),
            "people": given(people),
            "team": given(team),
            "joining": given(Joining(database, sessions, passwords)),
            "database": given(database),
            "clock": given(utc_now),
            "config": given(config),
            "set_up": given(partial(set_up, database, config, _generating(stock))),
            "shower": given(ClientShower(means)),
            "api_shower": given(ApiShower(means)),
            "key_shower": given(KeyShower(means, KeyKeeper(database, sealer, utc_now))),
            "tenant_shower": given(TenantShower(means)),
            "second_factors": given(second_factors),
            "billing_shower": given(
                BillingShower(means, Billing(database, stripe, config.console_url))
            ),
            "security": given(security),
            "views": given(views),
            "passkeys": given(passkeys),
            "attempts": given(attempts),
            "again_shower": given(
                AgainShower(pages, visitors, security, passkeys, attempts, utc_now)
            ),
            "logs": given(LogReader(pages, database, config.ledger_days, utc_now)),
            "streams": given(Streams(pages, door.still_lets_in)),
        },
        lifespan=[lifespan],
        exception_handlers=by_path({**last_resorts(pages), LimitReached: LimitPage(pages)}),
        request_max_body_size=_LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )


def _generating(stock: KeyStock | None) -> Generate:
    return generate_private_key if stock is None else stock.take


def _pages_of_stripe(config: Config) -> list[str]:
    """Give the origins of Stripe's own pages; another base, the tests' double, has its own."""
    pages = ["https://checkout.stripe.com", "https://billing.stripe.com"]
    return pages if config.stripe_api_base == STRIPE else [*pages, config.stripe_api_base]


def _door(pages: Pages, find: FindSignedIn, csrf_key: bytes) -> Door[SignedIn]:
    return Door(pages, MemberRights(pages, find, utc_now), CONSOLE, csrf_key, utc_now)


def _finder(
    database: Database, sessions: Sessions, views: SupportViews, contact: str
) -> FindSignedIn:
    """Make what finds who a session's cookie stands for."""
    meters = Meters(database)

    async def find(token: str, now: datetime) -> SignedIn | None:
        if token.startswith(PREFIX):
            viewing = await views.find(token, now)
            if viewing is None or viewing.account_id is None:
                return None
            meter = await meters.of(viewing.account_id, now)
            return msgspec.structs.replace(viewing, meter=meter)
        async with database.control() as connection:
            session = await sessions.find(connection, token, now)
            if session is None:
                return None
            found = await members.find_membership(connection, session.person_id, session.account_id)
            if found is None:
                return None
            account_id = session.account_id if found.role else None
            sees_billing = found.role is not None and may(found.role, Permission.SEE_BILLING)
            owed = (
                await owed_by(connection, account_id, now) if account_id and sees_billing else None
            )
        return SignedIn(
            session=session,
            email=found.email,
            account_id=account_id,
            account_name=found.account_name,
            plan=found.plan,
            role=found.role,
            meter=await meters.of(account_id, now) if account_id else None,
            owed=owed,
            suspended=Suspended(kind=found.suspended, contact=contact) if found.suspended else None,
        )

    return find


class _ThroughRedis:
    """What workers share through Redis, where there is one. The library is an extra."""

    def __init__(self, url: str) -> None:
        from control_plane.http.counts_in_redis import RedisCounts  # noqa: PLC0415
        from control_plane.sessions.in_redis import RedisSessions  # noqa: PLC0415
        from shared.runtime.redis_client import RedisClient  # noqa: PLC0415

        redis = RedisClient(url)
        self.sessions: SessionStore = RedisSessions(redis)
        self.counts: SharedCounts = RedisCounts(redis)
        self.close = redis.close
