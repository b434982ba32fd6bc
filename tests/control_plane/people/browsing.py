"""The console as a browser meets it, in this process: one that keeps cookies and sends forms."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import text

from control_plane.mail.rules import Letter
from shared.runtime.database import Database
from tests.control_plane.applications import console_of, running
from tests.control_plane.console import forget_attempts
from tests.support import Installation, opened

_HOST = "console.example"
ORIGIN = f"https://{_HOST}"
PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class Browser(httpx.AsyncClient):
    """Sends a form with the token of the page that it looked at last, as a browser would."""

    def __init__(self, app: Litestar, address: str = "192.0.2.1") -> None:
        asgi: Any = app  # litestar and httpx each have types of their own for it
        transport = httpx.ASGITransport(asgi, client=(address, 1))
        super().__init__(transport=transport, base_url=ORIGIN)
        self.csrf = ""

    async def see(self, path: str, **headers: str) -> httpx.Response:
        """Load a page; its forms' token is what `fill` sends."""
        page = await self.get(path, headers=headers)
        found = _TOKEN.search(page.text)
        self.csrf = found[1] if found else self.csrf
        return page

    async def fill(self, path: str, **fields: str) -> httpx.Response:
        """Send a form to a path; the answer's forms have the next token."""
        answer = await self.post(path, data={"csrf": self.csrf} | fields)
        found = _TOKEN.search(answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer

    def plant(self, name: str, value: str) -> None:
        """Put a cookie in, as someone who is at the browser, or beside its host, would."""
        self.cookies.set(f"__Host-{name}", value, domain=_HOST, path="/")

    @property
    def session(self) -> str:
        return self.cookies.get("__Host-session") or ""


class Console(msgspec.Struct, frozen=True):
    app: Litestar
    database: Database

    def browser(self, address: str = "192.0.2.1") -> Browser:
        return Browser(self.app, address)

    async def letters(self, to: str) -> list[Letter]:
        """Give the letters that wait for this address, the oldest first."""
        return await letters_to(self.database, to)

    async def last_link(self, to: str) -> str:
        """Give the path and query of the link in the last letter."""
        parts = urlsplit((await self.letters(to))[-1].link)
        return f"{parts.path}?{parts.query}"

    async def signed_up(self, email: str, browser: Browser | None = None) -> Browser:
        """Sign up, confirm the address, and give the browser that is signed in."""
        browser = browser or self.browser()
        await browser.see("/signup")
        await browser.fill("/signup", email=email, password=PASSWORD, account="Acme")
        await verify(browser, await self.last_link(email))
        await browser.see("/you")
        return browser

    async def signed_in(self, email: str, password: str = PASSWORD) -> Browser:
        """Sign in from an address of its own."""
        browser = self.browser(f"198.51.{int(token_hex(1), 16)}.{int(token_hex(1), 16)}")
        await browser.see("/signin")
        await browser.fill("/signin", email=email, password=password)
        await browser.see("/you")
        return browser

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.database.control() as connection:
            return list((await connection.execute(text(query), values)).all())


async def letters_to(database: Database, to: str) -> list[Letter]:
    query = text(
        "SELECT args -> 'letter' FROM jobs.procrastinate_jobs"
        " WHERE args -> 'letter' ->> 'to' = :to ORDER BY id"
    )
    async with database.control() as connection:
        found = list(await connection.scalars(query, {"to": to}))
    return [msgspec.convert(each, Letter) for each in found]


async def last_letter(database: Database, to: str) -> Letter:
    return (await letters_to(database, to))[-1]


async def verify(browser: Browser, link: str) -> httpx.Response:
    await browser.see(link)
    return await browser.fill("/verify", token=token_of(link))


def token_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


def new_email(name: str = "ada") -> str:
    return f"{name}-{token_hex(4)}@example.org"


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def opened_console(
    installation: Installation, *more: HTTPRouteHandler, **variables: str
) -> AsyncIterator[Console]:
    app = console_of(installation.environment() | {"CONSOLE_URL": ORIGIN} | variables, *more)
    async with running(app), opened(installation.control_url) as database:
        await forget_attempts(database)
        yield Console(app, database)
