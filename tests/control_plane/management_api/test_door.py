"""Who may ask the management API, and for what: scopes, accounts, tenants, revocation, pace."""

import asyncio
import re
import time
from collections.abc import Iterator

import pytest
from litestar.routes import HTTPRoute

from control_plane.clients.actions import disable_client, revoke_tokens
from control_plane.management.actions import ensure_system_tenant, revoke_api_key
from control_plane.management_api import pace as pace_of
from control_plane.management_api.pace import RATE, Pace
from control_plane.management_api.problems import TooManyRequests
from control_plane.management_api.router import openapi_document
from control_plane.support.suspensions.repository import mark_suspended
from shared.domain.bucket import SECOND
from shared.domain.ids import ClientId
from shared.domain.limits import Rate
from shared.domain.management import MANAGEMENT_SCOPES
from shared.domain.suspension import SuspensionKind
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.management_api.conftest import Program, Scene, make_scene
from tests.control_plane.management_api.test_clients import refused


def routes(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Give method, path and scope of each route of the API but its document."""
    for route in scene.console.application.routes:
        if isinstance(route, HTTPRoute) and route.path_format.startswith("/api/v1/"):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    if not handler.opt.get("open"):
                        path = route.path_format.removeprefix("/api/v1")
                        yield str(method), path, handler.opt["scope"]


def filled(path: str, scene: Scene) -> str:
    given = {"slug": scene.slug, "client_id": scene.client_id, "name": "first", "kid": "k"}
    return re.sub(r"\{(\w+)\}", lambda found: given[found[1]], path)


async def test_every_route_asks_for_a_scope_that_there_is(scene: Scene) -> None:
    asked = {scope for _, _, scope in routes(scene)}
    assert asked <= MANAGEMENT_SCOPES.keys()
    assert asked == MANAGEMENT_SCOPES.keys(), "a scope that nothing asks for"


async def test_no_route_answers_without_a_token_or_to_another_scope(scene: Scene) -> None:
    async with Program(scene.console, "") as stranger:
        del stranger.headers["authorization"]
        for method, path, _ in routes(scene):
            answer = await stranger.request(method, filled(path, scene))
            refused(answer, 401, "token_missing")
            assert answer.headers["www-authenticate"] == "Bearer"
    for scope in MANAGEMENT_SCOPES:
        others = " ".join(MANAGEMENT_SCOPES.keys() - {scope})
        async with scene.program(others) as program:
            for method, path, needed in routes(scene):
                if needed == scope:
                    answer = await program.request(method, filled(path, scene))
                    refused(answer, 403, "insufficient_scope")
                    assert f'scope="{scope}"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("kind", [SuspensionKind.CONSOLE, SuspensionKind.FULL])
async def test_a_suspended_account_is_told_whom_to_write_to_and_nothing_else(
    scene: Scene, database: Database, kind: SuspensionKind
) -> None:
    async with scene.program() as program:
        async with database.control() as connection:
            await mark_suspended(connection, scene.account, kind)
        for method, path, _ in routes(scene):
            detail = refused(
                await program.request(method, filled(path, scene)), 403, "account_suspended"
            )
            assert scene.console.config.mail_from in detail
        async with database.control() as connection:
            await mark_suspended(connection, scene.account, None)
        assert (await program.get(scene.path)).status_code == 200


async def test_an_account_whose_tokens_are_suspended_keeps_its_api(
    program: Program, scene: Scene, database: Database
) -> None:
    async with database.control() as connection:
        await mark_suspended(connection, scene.account, SuspensionKind.TOKENS)
    assert (await program.get(scene.path)).status_code == 200


async def test_anothers_tenant_is_as_one_that_is_not_there(
    scene: Scene, database: Database, sealer: Sealer
) -> None:
    other = await make_scene(scene.console, database, sealer, scene.forge)
    walked = [(method, path) for method, path, _ in routes(scene) if "{slug}" in path]
    assert len(walked) > 20
    async with scene.program() as first, scene.program() as second:
        for method, path in walked:
            # bodies are not read before the tenant is found
            theirs = await first.request(method, filled(path, other))
            absent = await second.request(
                method, filled(path, other).replace(other.slug, "no-such-tenant")
            )
            assert (theirs.status_code, theirs.json()) == (absent.status_code, absent.json()), path
            assert theirs.status_code in {400, 404}, path
        shown = (await first.get("/tenants")).json()
        assert [each["slug"] for each in shown["items"]] == [scene.slug]
        refused(await first.get("/tenants/system"), 404, "not_found")
        mixed = f"{scene.path}/clients/{other.client_id}"
        refused(await first.get(mixed), 404, "not_found")
    async with other.program() as program:
        held = (await program.get(f"{other.path}/clients/{other.client_id}")).json()
        assert held["client"]["enabled"] is True
        assert len(held["secrets"]) == 1


async def test_a_key_for_some_tenants_sees_no_others_of_the_account(
    scene: Scene, database: Database, sealer: Sealer
) -> None:
    other = await make_scene(scene.console, database, sealer, scene.forge)
    async with scene.program(tenants=(scene.slug,)) as program:
        assert (await program.get(scene.path)).status_code == 200
        refused(await program.get(other.path), 404, "not_found")
        refused(await program.get("/audit"), 403, "insufficient_scope")
        new = {"slug": "never-made", "name": "N"}
        refused(await program.post("/tenants", json=new), 403, "insufficient_scope")
    async with scene.program(account="operator") as program:
        assert (await program.get(scene.path)).status_code == 200
        assert (await program.get(other.path)).status_code == 200


async def test_a_revoked_key_is_refused_by_the_very_next_request(
    scene: Scene, database: Database
) -> None:
    system = await ensure_system_tenant(database, scene.console.config)

    async def revoked(key: ClientId) -> None:
        await revoke_api_key(database, key)

    async def disabled(key: ClientId) -> None:
        await disable_client(database, system, key)

    async def tokens_revoked(key: ClientId) -> None:
        await revoke_tokens(database, system, key)

    for end in (revoked, disabled, tokens_revoked):
        key = await scene.key()
        async with Program(scene.console, scene.token(key)) as program:
            assert (await program.get("/tenants")).status_code == 200
            await end(key)
            answer = await program.get("/tenants")
            refused(answer, 401, "invalid_token")
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_token_that_is_not_for_us_counts_nowhere(scene: Scene) -> None:
    key = await scene.key()
    good = scene.token(key)
    head, payload, signature = good.split(".")
    tokens = {
        "of another audience": scene.token(key, audience="https://api.example/"),
        "over": scene.token(key, lifetime=-1),
        "of no key": scene.token(scene.client_id),
        "cut": f"{head}.{payload}.{signature[:-2]}",
        "with another payload": f"{head}.{payload[:-4]}AAAA.{signature}",
        "unsigned": f"{head}.{payload}.",
        "none": "x",
    }
    async with Program(scene.console, good) as program:
        assert (await program.get("/tenants")).status_code == 200
    for words, token in tokens.items():
        async with Program(scene.console, token) as program:
            answer = await program.get("/tenants")
            assert refused(answer, 401, "invalid_token"), words
    async with Program(scene.console, good) as program:
        basic = {"Authorization": "Basic Yzpz"}
        refused(await program.get("/tenants", headers=basic), 401, "invalid_token")


async def test_a_cookie_of_the_console_opens_nothing_here(scene: Scene) -> None:
    async with scene.console.signed_in(scene.account) as browser:
        refused(await browser.get("/api/v1/tenants"), 401, "token_missing")
        refused(await browser.post("/api/v1/tenants"), 401, "token_missing")


def test_a_key_that_asks_too_often_waits() -> None:
    pace, key, now = Pace(), ClientId("c_1"), time.monotonic_ns()
    for _ in range(RATE.burst):
        pace.take(key, now)
    with pytest.raises(TooManyRequests) as refusal:
        pace.take(key, now)
    assert refusal.value.headers == {"Retry-After": "1"}
    pace.take(ClientId("c_2"), now)
    pace.take(key, now + SECOND)


async def test_one_that_does_is_told_when_to_go_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_of, "RATE", Rate(per_second=1, burst=2))
    async with scene.program() as program:
        answers = await asyncio.gather(*(program.get(scene.path) for _ in range(10)))
    turned_away = [each for each in answers if each.status_code == 429]
    assert turned_away
    assert len(turned_away) <= 8
    for each in turned_away:
        refused(each, 429, "rate_limited")
        assert each.headers["retry-after"] == "1"


async def test_the_document_is_there_for_everybody_and_names_each_route(scene: Scene) -> None:
    async with Program(scene.console, "") as stranger:
        document = (await stranger.get("/openapi.json")).json()
    named = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert named == {(method, path) for method, path, _ in routes(scene)}


@pytest.mark.parametrize("text", ["a%00b", "%ff", "9" * 30])
async def test_an_address_of_nonsense_is_never_our_mistake(scene: Scene, text: str) -> None:
    paths = openapi_document()["paths"]
    async with scene.program() as program:
        for path, operations in paths.items():
            for each in operations.get("get", {}).get("parameters", []):
                named = path.removeprefix("/api/v1")
                if each["in"] == "path":
                    named = named.replace(f"{{{each['name']}}}", text)
                answer = await program.get(f"{filled(named, scene)}?{each['name']}={text}")
                assert answer.status_code < 500, (path, each["name"])


async def test_a_nul_in_a_body_cannot_be_read(scene: Scene) -> None:
    new = {"name": "a\0b", "identifier": "https://a.example/\0", "scopes": {"read": "a\0"}}
    async with scene.program() as program:
        for path in ("/clients", "/apis", "/revoke-tokens"):
            for body in (new, {"client_id": "c_\0"}, {"jti": "\0"}):
                answer = await program.post(scene.path + path, json=body)
                assert 400 <= answer.status_code < 500, (path, body)
