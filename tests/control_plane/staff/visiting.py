"""Somebody of the staff at a browser, before and while they sign in."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import httpx

from control_plane.http.cookies import SUPPORT
from control_plane.second_factors.rules import STEP, code_at
from tests.control_plane.console import text_of
from tests.control_plane.passkeys.authenticator import Authenticator
from tests.control_plane.support_app import SUPPORT_URL, Support

PASSWORD = "correct horse battery"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def now() -> datetime:
    return datetime.now(UTC)


class Visit:
    """A browser that is not signed in yet; it sends a form with the token of the last page."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.csrf = ""

    async def see(self, path: str) -> httpx.Response:
        return self._seen(await self.client.get(path))

    async def fill(self, path: str, **fields: str) -> httpx.Response:
        return self._seen(await self.client.post(path, data={"csrf": self.csrf} | fields))

    @property
    def session(self) -> str:
        return self.client.cookies.get(SUPPORT.session) or ""

    def _seen(self, page: httpx.Response) -> httpx.Response:
        found = _CSRF.search(page.text)
        self.csrf = found[1] if found else self.csrf
        return page


@asynccontextmanager
async def visiting(support: Support) -> AsyncIterator[Visit]:
    async with support.browser() as client:
        yield Visit(client)


def device() -> Authenticator:
    return Authenticator(host="support.test", origin=SUPPORT_URL)


async def enrol_by_passkey(visit: Visit, token: str, made: Authenticator) -> httpx.Response:
    await visit.see(f"/support/enrol?token={token}")
    options = await visit.client.get(f"/support/enrol/passkey/options?token={token}")
    credential = made.create(options.json()) if options.status_code == 200 else "{}"
    return await visit.fill("/support/enrol/passkey", token=token, credential=credential)


class Codes(NamedTuple):
    secret: str  # of them all
    spent: str  # by enrolling


async def enrol_by_password(visit: Visit, token: str, password: str = PASSWORD) -> Codes:
    page = (await visit.see(f"/support/enrol?token={token}")).text
    secret, sealed = (
        found(r'id="secret">([A-Z2-7]+)<', page),
        found(r'"sealed" value="(.*?)"', page),
    )
    spent = code(secret)
    answer = await visit.fill(
        "/support/enrol/password", token=token, sealed=sealed, password=password, code=spent
    )
    assert answer.headers.get("location") == "/support", text_of(answer)
    return Codes(secret, spent)


def code(secret: str, steps: int = 0) -> str:
    return code_at(secret, int(now().timestamp()) // STEP + steps)


def found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match
    return match[1]
