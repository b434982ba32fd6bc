"""POST {issuer}/admin/revoke with a management token: what it refuses from then on."""

import time
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import httpx
import jwt
import msgspec
import pytest

from control_plane.accounts.actions import create_account
from control_plane.clients.actions import revoke_tokens as revoke_tokens_of_client
from control_plane.tenants.actions import revoke_tokens, suspend_tenant
from shared.domain.management import OPERATOR
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from tests.conftest import run_server
from tests.faults.worker_lines import lines_to_workers
from tests.management import api_key, bearer, fetch_token
from tests.support import (
    Installation,
    MadeTenant,
    Server,
    introspect,
    issued_token,
    make_tenant,
    opened,
    post_raw,
)

_PATIENCE = 60.0  # seconds

Lines: TypeAlias = list[httpx.AsyncClient]  # one to each worker


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A live token of a tenant."""

    text: str

    @property
    def claims(self) -> dict[str, object]:
        found: dict[str, object] = jwt.decode(self.text, options={"verify_signature": False})
        return found


async def hold(http: httpx.AsyncClient, tenant: MadeTenant) -> Held:
    return Held(text=await issued_token(http, tenant))


async def hold_later(lines: Lines, tenant: MadeTenant) -> Held:
    """Fetch tokens until one was issued after every mark there is: marks have whole seconds."""
    end = time.monotonic() + _PATIENCE
    while True:
        held = await hold(lines[0], tenant)
        if await answers(lines, tenant, held) == {True}:
            return held
        assert time.monotonic() < end, "no token is ever active"


async def answers(lines: Lines, tenant: MadeTenant, held: Held) -> set[bool]:
    """Ask every worker whether the token is active."""
    return {(await introspect(each, tenant, held.text)).json()["active"] for each in lines}


async def wait_until_refused(lines: Lines, tenant: MadeTenant, held: Held) -> None:
    end = time.monotonic() + _PATIENCE
    while await answers(lines, tenant, held) != {False}:
        assert time.monotonic() < end, "a worker never refuses it"


async def admin_revoke(
    http: httpx.AsyncClient, tenant: MadeTenant, management_token: str, body: str
) -> dict[str, object]:
    answer = await post_raw(http, f"{tenant.issuer}/admin/revoke", body, **bearer(management_token))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    shown: dict[str, object] = answer.json()
    return shown


@pytest.fixture
async def lines(server: Server) -> AsyncIterator[Lines]:
    async with lines_to_workers(server) as lines:
        yield lines


@pytest.fixture
async def management_token(http: httpx.AsyncClient, database: Database, config: Config) -> str:
    """A token of an operator's key."""
    return await fetch_token(http, config, await api_key(database, config, OPERATOR))


_ONE_OF_THREE: list[tuple[str, Callable[[Held], str]]] = [
    ("token", lambda held: f"jti={held.claims['jti']}"),
    ("client", lambda held: f"client_id={held.claims['client_id']}&reason=leaked"),
    ("tenant", lambda _: "everything=true"),
]


@pytest.mark.parametrize(("kind", "body"), _ONE_OF_THREE)
async def test_each_of_the_three_is_refused_by_every_worker(
    http: httpx.AsyncClient,
    lines: Lines,
    tenant: MadeTenant,
    management_token: str,
    kind: str,
    body: Callable[[Held], str],
) -> None:
    held = await hold(http, tenant)
    shown = [await admin_revoke(http, tenant, management_token, body(held)) for _ in range(2)]
    assert [each["kind"] for each in shown] == [kind, kind]  # asking twice is fine
    assert shown[0].keys() == {"kind", "subject", "not_before", "expires_at"}
    await wait_until_refused(lines, tenant, held)
    await hold_later(lines, tenant)  # and the client may ask for another


async def test_a_key_of_the_tenants_own_account_may(
    http: httpx.AsyncClient, lines: Lines, database: Database, config: Config
) -> None:
    account = await create_account(database, "Acme")
    tenant = await make_tenant(database, config, account=account)
    token = await fetch_token(http, config, await api_key(database, config, account))
    held = await hold(http, tenant)
    await admin_revoke(http, tenant, token, f"jti={held.claims['jti']}")
    await wait_until_refused(lines, tenant, held)


async def test_one_token_of_two_is_refused_and_the_feed_names_it(
    http: httpx.AsyncClient, lines: Lines, tenant: MadeTenant, management_token: str
) -> None:
    one, other = await hold(http, tenant), await hold(http, tenant)
    shown = await admin_revoke(http, tenant, management_token, f"jti={one.claims['jti']}")
    await wait_until_refused(lines, tenant, one)
    assert await answers(lines, tenant, other) == {True}
    feed = (await http.get(f"{tenant.issuer}/.well-known/revocations")).json()
    assert feed["tokens"] == {one.claims["jti"]: shown["expires_at"]}


async def test_a_suspended_tenants_tokens_can_be_revoked(
    http: httpx.AsyncClient, database: Database, tenant: MadeTenant, management_token: str
) -> None:
    await suspend_tenant(database, tenant.slug)
    shown = await admin_revoke(http, tenant, management_token, "everything=true")
    feed = (await http.get(f"{tenant.issuer}/.well-known/revocations")).json()
    assert feed["not_before"] in {0, shown["not_before"]}  # 0: a worker that has yet to hear
    assert shown["kind"] == "tenant"


async def test_the_commands_twins_refuse_the_same(
    http: httpx.AsyncClient, lines: Lines, database: Database, tenant: MadeTenant
) -> None:
    held = await hold(http, tenant)
    await revoke_tokens_of_client(database, tenant.tenant_id, tenant.client.client_id)
    await wait_until_refused(lines, tenant, held)
    second = await hold_later(lines, tenant)
    await revoke_tokens(database, tenant.slug)
    await wait_until_refused(lines, tenant, second)


@pytest.mark.parametrize("first", ["client", "tenant"])
async def test_of_two_marks_the_later_wins_also_after_a_restart(
    http: httpx.AsyncClient, lines: Lines, installation: Installation, server: Server, first: str
) -> None:
    """E11: marks on the client and on the whole tenant, in either order."""
    config = read_config(installation.environment(server.url))
    async with opened(installation.control_url) as database:
        tenant = await make_tenant(database, config)
        key = await api_key(database, config, OPERATOR)
    management_token = await fetch_token(http, config, key)
    bodies = [f"client_id={tenant.client.client_id}", "everything=true"]
    if first == "tenant":
        bodies.reverse()
    held = [await hold(http, tenant)]
    for body in bodies:
        await admin_revoke(http, tenant, management_token, body)
        await wait_until_refused(lines, tenant, held[-1])
        held.append(await hold_later(lines, tenant))
    *refused, live = held
    with run_server(installation, PUBLIC_URL=server.url) as restarted:
        moved = msgspec.structs.replace(tenant, issuer=f"{restarted.url}/t/{tenant.slug}")
        async with lines_to_workers(restarted) as anew:
            assert [await answers(anew, moved, each) for each in refused] == [{False}, {False}]
            assert await answers(anew, moved, live) == {True}
