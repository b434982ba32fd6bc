"""POST {issuer}/admin/revoke with a management token: who may not, and what cannot be asked."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeAlias

import httpx
import msgspec
import pytest

from control_plane.accounts.actions import create_account
from control_plane.clients.actions import disable_client, register_client
from control_plane.clients.rules import NewClient
from control_plane.management.actions import revoke_api_key
from control_plane.tenants.actions import show_tenant
from control_plane.tenants.deletion import delete_tenant
from shared.domain.ids import ClientId
from shared.domain.issuer import issuer_url
from shared.domain.management import SYSTEM_SLUG
from shared.runtime.database import Database
from tests.faults.worker_lines import lines_to_workers
from tests.hostile.revoking import Scene, set_scene
from tests.management import FORM, api_key, bearer, fetch_token
from tests.support import (
    Server,
    introspect,
    post_raw,
)

_PATIENCE = 60.0  # seconds
_JTI = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture(scope="module")
def standing(server: Server) -> Scene:
    return asyncio.run(set_scene(server))


@pytest.fixture
def scene(standing: Scene, http: httpx.AsyncClient) -> Scene:
    """The one in which nothing comes to an end."""
    return msgspec.structs.replace(standing, http=http)


@pytest.fixture
async def own_scene(server: Server, http: httpx.AsyncClient) -> Scene:
    return msgspec.structs.replace(await set_scene(server), http=http)


async def check_refused(scene: Scene, answer: httpx.Response, status: int, error: str) -> None:
    """Assert the house rules that every refusal keeps, and that nothing was revoked."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.text.isascii()
    assert answer.headers["cache-control"] == "no-store"
    assert (await introspect(scene.http, scene.tenant, scene.token)).json()["active"] is True


async def until_answered(server: Server, scene: Scene, token: str, status: int) -> httpx.Response:
    """Ask until every worker answers so; a body that is wrong revokes nothing."""
    end = time.monotonic() + _PATIENCE
    async with lines_to_workers(server) as lines:
        for line in lines:
            while True:
                answer = await post_raw(line, scene.url, "x=y", **bearer(token))
                if answer.status_code == status:
                    break
                assert time.monotonic() < end, answer.text
    return answer


def challenge(scene: Scene, error: str = "") -> str:
    named = f', error="{error}"' if error else ""
    return f'Bearer realm="{scene.tenant.issuer}"{named}'


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="E-admin-no-credentials"),
        pytest.param({"Authorization": "Basic eDp5"}, id="E-admin-basic"),
        pytest.param({"Authorization": "DPoP eDp5"}, id="E-admin-dpop-scheme"),
    ],
)
async def test_without_a_token_the_challenge_names_no_error(
    scene: Scene, headers: dict[str, str]
) -> None:
    answer = await post_raw(scene.http, scene.url, "everything=true", **headers)
    await check_refused(scene, answer, 401, "token_missing")
    assert answer.headers["www-authenticate"] == challenge(scene)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("Bearer", id="E-admin-bearer-empty"),
        pytest.param("Bearer a b", id="E-admin-bearer-two"),
        pytest.param("Bearer a,b", id="E-admin-bearer-comma"),
        pytest.param("Bearer =", id="E-admin-bearer-padding"),
    ],
)
async def test_a_malformed_header_is_an_invalid_request(scene: Scene, value: str) -> None:
    answer = await post_raw(scene.http, scene.url, "everything=true", Authorization=value)
    await check_refused(scene, answer, 400, "invalid_request")


Wrong: TypeAlias = Callable[[Scene], str]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda _: "x.y.z", id="E-admin-garbage"),
        pytest.param(lambda scene: scene.token, id="E-admin-the-tenants-own-token"),
        pytest.param(lambda scene: scene.management_token[:-4] + "AAAA", id="E-admin-signature"),
        pytest.param(lambda scene: scene.forgery(lifetime=0), id="E-admin-expired"),
        pytest.param(lambda scene: scene.forgery(audience="urn:other"), id="E-admin-audience"),
        pytest.param(
            lambda scene: scene.forgery(audience=scene.audience[:-1]),
            id="E-admin-audience-no-slash",
        ),
        pytest.param(
            lambda scene: scene.forgery(client_id=ClientId("c_gone")), id="E-admin-client-unknown"
        ),
        pytest.param(
            lambda scene: scene.forgery(client_id=ClientId("x" * 900)), id="E-admin-client-long"
        ),
    ],
)
async def test_a_token_that_does_not_count_is_invalid(scene: Scene, wrong: Wrong) -> None:
    assert (await scene.ask(scene.forgery(), "x=y")).status_code == 400  # a good one is taken
    answer = await scene.ask(wrong(scene))
    await check_refused(scene, answer, 401, "invalid_token")
    assert answer.headers["www-authenticate"] == challenge(scene, "invalid_token")


async def test_a_revoked_management_token_is_invalid(own_scene: Scene, server: Server) -> None:
    """E-admin-revoked-token."""
    scene = own_scene
    system = issuer_url(scene.config.public_url, SYSTEM_SLUG)
    revoked = await scene.http.post(
        f"{system}/oauth/revoke",
        data={"token": scene.management_token},
        auth=(scene.key.client_id, scene.key.client_secret),
    )
    assert revoked.status_code == 200
    answer = await until_answered(server, scene, scene.management_token, 401)
    await check_refused(scene, answer, 401, "invalid_token")


@pytest.mark.parametrize("how", ["E-admin-key-disabled", "E-admin-key-revoked"])
async def test_a_dead_key_takes_its_tokens_along(
    own_scene: Scene, server: Server, database: Database, how: str
) -> None:
    scene = own_scene
    if how == "E-admin-key-disabled":
        system = await show_tenant(database, SYSTEM_SLUG)
        await disable_client(database, system.id, scene.key.client_id)
    else:
        await revoke_api_key(database, scene.key.client_id)
    await until_answered(server, scene, scene.management_token, 401)
    # one from after the mark on the key's tokens: the key itself is dead too
    await check_refused(scene, await scene.ask(scene.forgery(issued=60)), 401, "invalid_token")


async def test_a_client_of_the_built_in_tenant_without_an_account_is_no_key(
    scene: Scene, database: Database
) -> None:
    """E-admin-no-account."""
    system = await show_tenant(database, SYSTEM_SLUG)
    new = NewClient(name="no account", apis=(scene.audience,))
    made = await register_client(database, scene.config.secret_peppers, system.id, new)
    answer = await scene.ask(scene.forgery(client_id=made.client_id))
    await check_refused(scene, answer, 401, "invalid_token")


@pytest.mark.parametrize("scope", ["", "read:clients", "revoke:token", "xrevoke:tokens"])
async def test_a_token_without_the_scope_is_forbidden(scene: Scene, scope: str) -> None:
    """E-admin-no-scope."""
    answer = await scene.ask(scene.forgery(scope=scope))
    await check_refused(scene, answer, 403, "insufficient_scope")
    assert answer.headers["www-authenticate"] == challenge(scene, "insufficient_scope")


async def test_another_accounts_tenant_is_not_there(scene: Scene, database: Database) -> None:
    """E-admin-other-account."""
    other = await create_account(database, "Other")
    key = await api_key(database, scene.config, other)
    token = await fetch_token(scene.http, scene.config, key)
    answer = await scene.ask(token)
    await check_refused(scene, answer, 404, "not_found")
    unknown = await post_raw(
        scene.http, scene.url.replace(scene.tenant.slug, "nobody"), "x=y", **bearer(token)
    )
    assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content)


async def test_a_token_and_a_signature_are_two_ways(scene: Scene) -> None:
    """E-admin-two-ways."""
    headers = bearer(scene.management_token) | {"Signature": "x=::"}
    answer = await post_raw(scene.http, scene.url, "everything=true", **headers)
    await check_refused(scene, answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="E-admin-nothing"),
        pytest.param("reason=x", id="E-admin-only-a-reason"),
        pytest.param(f"jti={_JTI}&client_id=c_1", id="E-admin-two"),
        pytest.param(f"jti={_JTI}&everything=true", id="E-admin-one-and-everything"),
        pytest.param(f"jti={_JTI}&jti={_JTI}", id="E-admin-twice"),
        pytest.param("everything=false", id="E-admin-everything-false"),
        pytest.param("everything=1", id="E-admin-everything-1"),
        pytest.param("everything=", id="E-admin-everything-empty"),
        pytest.param("jti=x", id="E-admin-jti-short"),
        pytest.param(f"jti={_JTI.upper()}", id="E-admin-jti-upper-case"),
        pytest.param("jti=" + _JTI.replace("-7", "-4"), id="E-admin-jti-version-4"),
        pytest.param(f"jti={_JTI}%0A", id="E-admin-jti-line-end"),
        pytest.param("client_id=a%20b", id="E-admin-client-space"),
        pytest.param("client_id=" + "c" * 201, id="E-admin-client-too-long"),
        pytest.param("client_id=%C3%BC", id="E-admin-client-not-ascii"),
    ],
)
async def test_what_cannot_be_asked_is_an_invalid_request(scene: Scene, body: str) -> None:
    answer = await scene.ask(scene.management_token, body)
    await check_refused(scene, answer, 400, "invalid_request")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param("x=y", {"Content_Type": "application/json"}, 400, id="E-admin-json"),
        pytest.param("a=" + "x" * 17_000, {}, 413, id="E-admin-large"),
        pytest.param("x=y", {"Content_Encoding": "gzip"}, 415, id="E-admin-gzip"),
        pytest.param("a=%00", {}, 400, id="E-admin-nul"),
    ],
)
async def test_the_gate_is_the_other_endpoints(
    scene: Scene, body: str, headers: dict[str, str], status: int
) -> None:
    given = {"Content_Type": FORM} | bearer(scene.management_token) | headers
    answer = await post_raw(scene.http, scene.url, body, **given)
    await check_refused(scene, answer, status, "invalid_request")


async def test_the_query_is_no_place_for_it_and_only_post_is_allowed(scene: Scene) -> None:
    """E-admin-query, E-admin-method."""
    given = bearer(scene.management_token)
    asked = await post_raw(scene.http, f"{scene.url}?everything=true", "", **given)
    await check_refused(scene, asked, 400, "invalid_request")
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        answer = await scene.http.request(method, scene.url, headers=given)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_deleted_tenant_has_nothing_to_revoke(
    own_scene: Scene, server: Server, database: Database
) -> None:
    """E-admin-deleted-tenant."""
    scene = own_scene
    await delete_tenant(database, scene.tenant.slug)
    answer = await until_answered(server, scene, scene.management_token, 404)
    assert answer.json()["error"] == "not_found"
