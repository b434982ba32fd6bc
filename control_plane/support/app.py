"""The composition root of the support app: the only module that knows each screen's pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.static_files import create_static_files_router

from control_plane.http.attempts import Attempts
from control_plane.http.clock import utc_now
from control_plane.http.cookies import SUPPORT
from control_plane.http.counts_in_database import DatabaseCounts
from control_plane.http.door import Door
from control_plane.http.errors import last_resorts
from control_plane.http.given import given, key_for
from control_plane.http.probes import PROBES
from control_plane.http.rendering import Pages
from control_plane.http.visitors import Visitors
from control_plane.passkeys.ceremony import Ceremony
from control_plane.people.passwords import Passwords
from control_plane.sessions.actions import Sessions
from control_plane.sessions.repository import STAFFS
from control_plane.staff.actions import StaffSignIn
from control_plane.staff.enrolment import Enrolment
from control_plane.staff.enrolment_pages import ENROLMENT_PAGES
from control_plane.staff.pages import SIGN_IN_PAGES
from control_plane.staff.rights import StaffRights
from control_plane.support.abuse.pages import ABUSE_PAGES
from control_plane.support.customer.pages import CUSTOMER_PAGES
from control_plane.support.diagnosis.pages import DIAGNOSIS_PAGES
from control_plane.support.home.pages import HOME_PAGES
from control_plane.support.impersonation.pages import VIEW_PAGES
from control_plane.support.journal.pages import JOURNAL_PAGES
from control_plane.support.limits.pages import OVERRIDE_PAGES
from control_plane.support.payments.pages import PAYMENT_PAGES
from control_plane.support.search.pages import SEARCH_PAGES
from control_plane.support.shown import SupportShower
from control_plane.support.suspensions.pages import SUSPENSION_PAGES
from control_plane.support.work.pages import WORK_PAGES
from shared.runtime.config import Config, read_process_config
from shared.runtime.database import SupportDatabase
from shared.runtime.leaving import Leaving
from shared.runtime.logs import configure_logs
from shared.runtime.sealing import Sealer
from web import ROOT

_LARGEST_BODY = 64 * 1024


def from_environment(_: Leaving) -> Litestar:
    """Make a worker's application: what the worker serves."""
    config = read_process_config()
    configure_logs(config.log_level)
    return create_support(config)


def create_support(config: Config) -> Litestar:
    """Compose it. `config.database_url` is the support login's."""
    database = SupportDatabase(config.database_url, config.audit_keys)
    pages = Pages(
        config.support_url,
        [config.console_url],  # which takes over a view
        frame="support/frame.html",
        home="/support",
        sign_in="/support/signin",
    )
    csrf_key = key_for(b"support csrf", config)
    visitors = Visitors(pages, csrf_key, config.trusted_proxies, SUPPORT)
    sessions = Sessions(STAFFS)
    signing_in = (
        database,
        sessions,
        Passwords(),
        Sealer(config.master_keys),
        Ceremony(key_for(b"staff passkey challenge", config), config.support_url),
    )
    rights = StaffRights(pages, visitors, database, sessions, utc_now)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        await database.close()

    return Litestar(
        route_handlers=[
            *SIGN_IN_PAGES,
            *ENROLMENT_PAGES,
            *HOME_PAGES,
            *SEARCH_PAGES,
            *DIAGNOSIS_PAGES,
            *CUSTOMER_PAGES,
            *ABUSE_PAGES,
            *JOURNAL_PAGES,
            *OVERRIDE_PAGES,
            *SUSPENSION_PAGES,
            *VIEW_PAGES,
            *PAYMENT_PAGES,
            *WORK_PAGES,
            *PROBES,
            create_static_files_router(
                "/static",
                directories=[ROOT / "static"],
                opt={"outside": True},
                cache_control=None,
            ),
        ],
        before_request=Door(pages, rights, SUPPORT, csrf_key, utc_now),
        before_send=[pages.protect],
        dependencies={
            "pages": given(pages),
            "visitors": given(visitors),
            "database": given(database),
            "clock": given(utc_now),
            "config": given(config),
            "attempts": given(Attempts(DatabaseCounts(database))),
            "signing_in": given(StaffSignIn(*signing_in)),
            "enrolment": given(Enrolment(*signing_in)),
            "support": given(SupportShower(pages, visitors, database, utc_now)),
        },
        lifespan=[lifespan],
        exception_handlers=last_resorts(pages),
        request_max_body_size=_LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
