"""The console in this process, and people who are signed in to it."""

import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import httpx
import msgspec
from litestar import Litestar
from sqlalchemy import delete

from control_plane.accounts.actions import create_account, set_plan
from control_plane.app import create_console
from control_plane.http.cookies import SESSION
from control_plane.http.csrf import csrf_token
from control_plane.keys.stock import KeyStock
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import PEOPLES
from control_plane.sessions.rules import SessionKind
from shared.domain.plan import PlanName
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from shared.runtime.tables.people import attempt
from tests.control_plane.applications import console_of, running
from tests.support import Installation

CONSOLE_URL = "https://console.test"


class Browser:
    """What a signed-in person's browser does: it keeps the cookie and sends a page's forms."""

    def __init__(self, client: httpx.AsyncClient, csrf: str, account_id: str) -> None:
        self.client = client
        self.csrf = csrf
        self.account_id = account_id

    async def get(self, path: str, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers=given)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        return await self.client.post(path, data={"csrf": self.csrf, **fields})


class Console(msgspec.Struct, frozen=True):
    application: Litestar
    config: Config
    database: Database

    @asynccontextmanager
    async def signed_in(
        self, account_id: str, role: Role = Role.OWNER, now: datetime | None = None
    ) -> AsyncIterator[Browser]:
        """Make a member of the account, and sign them in."""
        person_id, began = f"p_{token_hex(8)}", now or datetime.now(UTC)
        async with self.database.control() as connection:
            await add_person(connection, person_id, f"{person_id}@example.com", None)
            await add_member(connection, account_id, person_id, role)
            begun = await Sessions(PEOPLES).begin(
                connection, SessionKind.CONSOLE, person_id, account_id, Visitor("", ""), began
            )
        key = hmac.digest(self.config.secret_peppers[0].octets, b"console csrf", "sha256")
        async with self.browser() as client:
            client.cookies.set(SESSION, begun.token)
            yield Browser(client, csrf_token(key, begun.token), account_id)

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        application: Any = self.application
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url=CONSOLE_URL) as client:
            yield client


async def make_account(database: Database, plan: PlanName = PlanName.SANDBOX) -> str:
    account_id = await create_account(database, f"Account {token_hex(4)}")
    if plan is not PlanName.SANDBOX:
        await set_plan(database, account_id, plan)
    return account_id


@asynccontextmanager
async def run_console(
    installation: Installation,
    database: Database,
    public_url: str,
    stock: KeyStock | None = None,
) -> AsyncIterator[Console]:
    await forget_attempts(database)
    environment = installation.environment(public_url) | {"CONSOLE_URL": CONSOLE_URL}
    config = read_config(environment)
    application = console_of(environment) if stock is None else create_console(config, stock)
    async with running(application):
        yield Console(application, config, database)


async def forget_attempts(database: Database) -> None:
    """Let nobody be locked out for what another test has tried."""
    async with database.control() as connection:
        await connection.execute(delete(attempt))


def text_of(answer: httpx.Response) -> str:
    """Give the page's text, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))


def shown_secret(answer: httpx.Response) -> str:
    """Give the client secret that the page shows."""
    found: Any = re.search(r"as_cs_[0-9A-Za-z]{49}", answer.text)
    assert found, answer.text
    return str(found[0])
