"""Row I6: whatever somebody named, every page shows as text. Row I15: no secret is written down."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from secrets import token_hex

import msgspec
import pytest
from sqlalchemy import text, update

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.audit.actions import record_of_account
from control_plane.audit.rules import Actor, ActorKind, Noted
from control_plane.tenants import actions as tenants
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.jwk import Algorithm
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from shared.runtime.tables.control import account as accounts
from tests.control_plane.console import Browser, Console, make_account, run_console
from tests.control_plane.everything import add_one_of_each
from tests.control_plane.routes import pages_seen, routes_of
from tests.control_plane.usage.happenings import refusal, refuse
from tests.support import Installation, new_slug

# each is told from what a page of ours has by its mark
_MARK = "m4rk"
_HOSTILE = f"<img src={_MARK} onerror=alert(1)>\" hx-get={_MARK} '{{{{7*7}}}}</script>"
_FIELDS = ("password", "token", "code", "proof", "current", "new", "sealed", "credential", "secret")


@pytest.fixture
async def console(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Console]:
    monkeypatch.setattr(tenants, "_FIRST_KEYS", (Algorithm.ES256,))
    async with run_console(installation, database, "http://127.0.0.1:1") as running:
        yield running


@asynccontextmanager
async def with_hostile_names(
    console: Console, installation: Installation
) -> AsyncIterator[Browser]:
    """Sign in to an account in which everything that has a name has this one."""
    database, sealer = console.database, Sealer(console.config.master_keys)
    account = await make_account(database, PlanName.GROWTH)
    slug, identifier = new_slug(), f"https://{token_hex(4)}.example/{_MARK}'(1)"
    async with database.control() as connection:
        await connection.execute(
            update(accounts).where(accounts.c.id == account).values(name=_HOSTILE)
        )
        by = Actor(kind=ActorKind.PERSON, id="p", email=_HOSTILE)
        noted = Noted(_HOSTILE, _HOSTILE, {"name": _HOSTILE}, {"name": _HOSTILE})
        await record_of_account(connection, account, by, noted)
    new_tenant = NewTenant(slug=slug, name=_HOSTILE, account=account)
    tenant = await create_tenant(database, sealer, new_tenant)
    api = NewApi(
        identifier=identifier, name=_HOSTILE, scopes={"read": _HOSTILE}, token_lifetime=3600
    )
    await create_api(database, sealer, tenant, api)
    await add_one_of_each(database, console.config, account, tenant, identifier, _HOSTILE)
    await refuse(installation, refusal(tenant, datetime.now(UTC), client_id=_HOSTILE))
    async with console.signed_in(account) as browser:
        yield browser


async def test_i6_every_page_shows_a_name_as_text(
    console: Console, installation: Installation
) -> None:
    shown = 0
    async with with_hostile_names(console, installation) as browser:
        async for path, answer in pages_seen(browser, console.application):
            shown += f"&lt;img src={_MARK}" in answer.text
            for markup in (f"<img src={_MARK}", f'" hx-get={_MARK}', "'49</script>"):
                assert markup not in answer.text, path
            assert _MARK not in " ".join(answer.headers.values()), path
    assert shown > 3, "the names are shown at all"


async def test_i15_no_form_writes_what_is_secret_to_a_log_the_audit_or_the_queue(
    console: Console, installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """Each form is sent with a secret in each field that may hold one, and with a forged line."""
    caplog.set_level(logging.DEBUG)
    canary = f"canary-{token_hex(8)}"
    forged = 'x\r\n{"level": "error", "event": "forged"}\x1b[31m'
    async with with_hostile_names(console, installation) as browser, console.browser() as stranger:
        page = await stranger.get("/signin")
        csrf = page.text.partition('name="csrf" value="')[2][:64]
        known = dict.fromkeys(_FIELDS, canary) | {"email": forged, "name": forged}
        for route in routes_of(console.application):
            if route.method == "POST" and "signout" not in route.path and "end" not in route.path:
                sent = await browser.post(route.path, **known)
                again = await stranger.post(route.path, data=known | {"csrf": csrf})
                for answer in (sent, again):
                    assert answer.status_code < 500, route.path
                    assert canary not in " ".join(answer.headers.values()), route.path
    written = [record.getMessage() for record in caplog.records]
    written += [repr(vars(record)) for record in caplog.records]
    assert [each for each in written if canary in each] == []
    async with console.database.control() as connection:
        for table in ("control.account_event", "jobs.procrastinate_jobs", "control.session"):
            rows = await connection.execute(text(f"SELECT t::text FROM {table} t"))  # noqa: S608 - our own names
            assert [row for row in rows.scalars() if canary in row] == [], table


def test_i15_what_stands_for_a_secret_shows_none_of_it() -> None:
    """Structs that carry one are printed without it: in a traceback, say."""
    from control_plane.people.actions import SignUp  # noqa: PLC0415
    from control_plane.sessions.actions import Begun, Visitor  # noqa: PLC0415

    assert "canary" not in repr(SignUp(email="canary", password="canary", account="canary"))
    assert "canary" not in repr(Visitor("192.0.2.1", "agent", "canary"))
    assert issubclass(Begun, msgspec.Struct)
