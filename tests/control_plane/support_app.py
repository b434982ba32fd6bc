"""The support app in this process, and staff who are signed in to it."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from secrets import token_hex
from typing import Any

import httpx
import msgspec
from litestar import Litestar

from control_plane.audit.rules import Actor, ActorKind
from control_plane.http.cookies import SUPPORT
from control_plane.http.csrf import csrf_token
from control_plane.sessions.actions import Sessions, Visitor, digest_of
from control_plane.sessions.repository import STAFFS
from control_plane.sessions.rules import SessionKind
from control_plane.staff.grants import open_grant
from control_plane.staff.repository import add_staff
from control_plane.staff.rules import Reason, StaffRole
from control_plane.support.app import create_support
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database, SupportDatabase
from tests.control_plane.applications import running
from tests.control_plane.console import Browser, forget_attempts
from tests.support import Installation

SUPPORT_URL = "https://support.test"


class StaffBrowser(Browser):
    """A browser of one of the staff, signed in; `act` sends a form with its reason."""

    def __init__(self, client: httpx.AsyncClient, csrf: str, by: Actor) -> None:
        super().__init__(client, csrf, "")
        self.by = by

    async def act(self, path: str, **fields: str) -> httpx.Response:
        return await self.post(path, **{"reason": "a test", "ticket": "T-1"} | fields)


class Support(msgspec.Struct, frozen=True):
    application: Litestar
    config: Config
    database: Database  # as the control login, for what a test arranges or looks up

    @property
    def own(self) -> SupportDatabase:
        """The database as the app has it: the support login's."""
        given: Any = self.application.dependencies["database"]
        found: SupportDatabase = given.dependency()
        return found

    @asynccontextmanager
    async def signed_in(
        self,
        role: StaffRole = StaffRole.LEAD,
        *opened: str,
        now: datetime | None = None,
        kind: SessionKind = SessionKind.STAFF,
    ) -> AsyncIterator[StaffBrowser]:
        """Make one of the staff, sign them in, and open these accounts for them."""
        staff_id, began = f"st_{token_hex(8)}", now or datetime.now(UTC)
        by = Actor(kind=ActorKind.STAFF, id=staff_id, email=f"{staff_id}@staff.example")
        async with self.database.control() as connection:
            assert await add_staff(connection, staff_id, by.email, "Sam Support", role)
            begun = await Sessions(STAFFS).begin(
                connection, kind, staff_id, None, Visitor("192.0.2.7", "test"), began
            )
        for account_id in opened:
            why = Reason(reason="a test opens it", ticket="T-0")
            assert await open_grant(self.own, by, account_id, why, began)
        key = hmac.digest(self.config.secret_peppers[0].octets, b"support csrf", "sha256")
        async with self.browser() as client:
            client.cookies.set(SUPPORT.session, begun.token)
            yield StaffBrowser(client, csrf_token(key, begun.token), by)

    async def keep_awake(self, browser: StaffBrowser) -> None:
        """Have the session be used just now, whenever it began."""
        digest = digest_of(browser.client.cookies[SUPPORT.session])
        async with self.own.control() as connection:
            await STAFFS.note_use(connection, digest, datetime.now(UTC))

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        application: Any = self.application
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url=SUPPORT_URL) as client:
            yield client


@cache
def _made(*environment: tuple[str, str]) -> Litestar:
    return create_support(read_config(dict(environment)))


@asynccontextmanager
async def run_support(
    installation: Installation, database: Database, **variables: str
) -> AsyncIterator[Support]:
    """Run it as the support login, on the installation's database."""
    await forget_attempts(database)
    environment = installation.environment() | {
        "DATABASE_URL": installation.support_url,
        "SUPPORT_URL": SUPPORT_URL,
        **variables,
    }
    application = _made(*sorted(environment.items()))
    async with running(application):
        yield Support(application, read_config(environment), database)
