"""One of the staff who views an account's console: the support app, the console and a browser."""

import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from sqlalchemy import select

from control_plane.http.cookies import SUPPORT_VIEW
from control_plane.http.csrf import csrf_token
from control_plane.staff.rules import StaffRole
from shared.runtime.database import Database
from shared.runtime.tables.audit import account_event
from shared.runtime.tables.staff import staff_event
from tests.control_plane.console import CONSOLE_URL, Browser, Console
from tests.control_plane.support_app import StaffBrowser, Support

_TOKEN = re.compile(r'name="token" value="([^"]+)"')


class Viewing(msgspec.Struct, frozen=True):
    staff: StaffBrowser  # in the support app
    view: Browser  # in the console


async def ask_view(staff: StaffBrowser, account: str) -> str:
    """Begin a view in the support app, and give the one-time token that its page has."""
    answer = await staff.act(f"/support/accounts/{account}/view", reason="They see no clients")
    found: Any = _TOKEN.search(answer.text)
    assert found, answer.text
    return str(found[1])


async def hand_over(
    client: httpx.AsyncClient, token: str, origin: str = CONSOLE_URL
) -> httpx.Response:
    """Send the support app's form; here that app is at the console's own address."""
    cross = {"origin": origin, "sec-fetch-site": "cross-site"}
    return await client.post("/support-view", data={"token": token}, headers=cross)


@asynccontextmanager
async def viewing(
    support: Support, console: Console, account: str, role: StaffRole = StaffRole.AGENT
) -> AsyncIterator[Viewing]:
    async with support.signed_in(role, account) as staff, console.browser() as client:
        answer = await hand_over(client, await ask_view(staff, account))
        assert answer.status_code == 303, answer.text
        key = hmac.digest(console.config.secret_peppers[0].octets, b"console csrf", "sha256")
        csrf = csrf_token(key, client.cookies[SUPPORT_VIEW])
        yield Viewing(staff, Browser(client, csrf, account))


async def recorded(database: Database, account: str) -> tuple[list[str], list[str]]:
    """Give what the account's log, and the staff's of this account, say in order."""
    of_account = select(account_event).where(account_event.c.account_id == account)
    of_staff = select(staff_event).where(staff_event.c.target == f"account {account}")
    async with database.control() as connection:
        theirs = (await connection.execute(of_account.order_by(account_event.c.seq))).all()
        ours = (await connection.execute(of_staff.order_by(staff_event.c.seq))).all()
    return [_said(each) for each in theirs], [_said(each) for each in ours]


def _said(event: Any) -> str:
    after = msgspec.json.decode(event.after) if event.after else {}
    return f"{event.action} {after.get('path', '')}".strip()
