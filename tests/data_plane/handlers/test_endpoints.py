"""The three POST endpoints over HTTP: the table of protocol.md section 4, and the house rules."""

import httpx
import jwt
import pytest

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import register_client
from control_plane.clients.rules import NewClient
from shared.domain.client import TokenProfile
from shared.domain.jwk import Algorithm
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.support import (
    MadeTenant,
    ask_token,
    basic_header,
    introspect,
    issued_token,
    make_tenant,
    post_raw,
)

ENDPOINTS = ("token", "introspect", "revoke")
FORM = "grant_type=client_credentials&token=x"


def check_refusal(answer: httpx.Response, status: int, error: str) -> None:
    """Assert the house rules that every refusal keeps."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.text.isascii()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_no_credentials_are_challenged(
    http: httpx.AsyncClient, tenant: MadeTenant, endpoint: str
) -> None:
    answer = await post_raw(http, f"{tenant.issuer}/oauth/{endpoint}", FORM)
    check_refusal(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"] == f'Basic realm="{tenant.issuer}"'


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_unknown_client_and_a_wrong_secret_get_the_same_answer(
    http: httpx.AsyncClient, tenant: MadeTenant, endpoint: str
) -> None:
    url = f"{tenant.issuer}/oauth/{endpoint}"
    answers = [
        await post_raw(http, url, FORM, **basic_header(client_id, secret))
        for client_id, secret in (
            ("c_unknown", tenant.client.client_secret),
            (tenant.client.client_id, "wrong"),
            (tenant.client.client_id, tenant.client.client_secret + "x"),
            ("x" * 10_00, "wrong"),
        )
    ]
    for answer in answers:
        check_refusal(answer, 401, "invalid_client")
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(FORM, {"Content_Type": "application/json"}, 400, id="A10-json"),
        pytest.param(FORM, {"Content_Type": "text/plain"}, 400, id="A10-text"),
        pytest.param(FORM + "&a=1&a=2", {}, 400, id="C3-twice"),
        pytest.param(FORM + "&a=%zz", {}, 400, id="A11-escape"),
        pytest.param(FORM + "&a=%00", {}, 400, id="A11-nul"),
        pytest.param(FORM, {"Content_Encoding": "gzip"}, 415, id="A12-gzip"),
        pytest.param(FORM + "&a=" + "x" * 17_000, {}, 413, id="A7-large"),
        pytest.param(FORM, {"Authorization": "Basic !!!"}, 400, id="B4-not-base64"),
        pytest.param(FORM + "&client_secret=x", {}, 400, id="B7-two-methods"),
        pytest.param("", {}, 400, id="C1-empty"),
    ],
)
async def test_requests_that_are_invalid(
    http: httpx.AsyncClient,
    tenant: MadeTenant,
    endpoint: str,
    body: str,
    headers: dict[str, str],
    status: int,
) -> None:
    given = basic_header(*tenant.basic) | headers
    answer = await post_raw(http, f"{tenant.issuer}/oauth/{endpoint}", body, **given)
    check_refusal(answer, status, "invalid_request")
    assert (await ask_token(http, tenant)).status_code == 200  # and the next one succeeds


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_only_post_is_allowed(
    http: httpx.AsyncClient, tenant: MadeTenant, endpoint: str, method: str
) -> None:
    answer = await http.request(
        method, f"{tenant.issuer}/oauth/{endpoint}", headers={"X-HTTP-Method-Override": "POST"}
    )
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_secret_in_the_query_is_refused(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    url = f"{tenant.token_endpoint}?client_secret={tenant.client.client_secret}"
    check_refusal(
        await post_raw(http, url, FORM, **basic_header(*tenant.basic)), 400, "invalid_request"
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_credentials_in_the_body_are_accepted(
    http: httpx.AsyncClient, tenant: MadeTenant, endpoint: str
) -> None:
    client_id, secret = tenant.basic
    body = f"{FORM}&client_id={client_id}&client_secret={secret}"
    assert (await post_raw(http, f"{tenant.issuer}/oauth/{endpoint}", body)).status_code == 200


async def test_the_answer_names_the_scope_that_was_granted(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    assert (await ask_token(http, tenant, scope="read")).json()["scope"] == "read"
    assert (await ask_token(http, tenant, scope="")).json()["scope"] == "read write"
    check_refusal(await ask_token(http, tenant, scope="admin"), 400, "invalid_scope")


async def test_the_api_is_named_by_resource_or_audience(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    for name in ("resource", "audience"):
        assert (await ask_token(http, tenant, **{name: tenant.audience})).status_code == 200
        refused = await ask_token(http, tenant, **{name: "https://other.example"})
        check_refusal(refused, 400, "invalid_target")


async def test_unknown_parameters_are_ignored(http: httpx.AsyncClient, tenant: MadeTenant) -> None:
    assert (await ask_token(http, tenant, x="1", prompt="none")).status_code == 200


async def test_a_revoked_token_is_inactive_and_revoking_twice_is_fine(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    token = await issued_token(http, tenant)
    url = f"{tenant.issuer}/oauth/revoke"
    for _ in range(2):
        answer = await http.post(url, data={"token": token}, auth=tenant.basic)
        assert (answer.status_code, answer.content) == (200, b"")
    other = await http.post(url, data={"token": "unknown"}, auth=tenant.basic)
    assert other.status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
async def test_a_hint_changes_nothing(
    http: httpx.AsyncClient, tenant: MadeTenant, hint: str
) -> None:
    token = await issued_token(http, tenant)
    answer = await http.post(
        f"{tenant.issuer}/oauth/introspect",
        data={"token": token, "token_type_hint": hint},
        auth=tenant.basic,
    )
    assert answer.json()["active"] is True


async def test_another_clients_token_is_not_revoked_and_not_seen(
    http: httpx.AsyncClient, database: Database, config: Config, tenant: MadeTenant
) -> None:
    other = await register_client(
        database,
        config.secret_peppers,
        tenant.tenant_id,
        NewClient(name="other", apis=(tenant.audience,)),
    )
    auth = (other.client_id, other.client_secret)
    token = await issued_token(http, tenant)
    revoked = await http.post(f"{tenant.issuer}/oauth/revoke", data={"token": token}, auth=auth)
    check_refusal(revoked, 400, "invalid_request")
    seen = await http.post(f"{tenant.issuer}/oauth/introspect", data={"token": token}, auth=auth)
    assert seen.json() == {"active": False}
    assert (await introspect(http, tenant, token)).json()["active"] is True


async def test_a_resource_server_sees_the_tokens_for_its_api(
    http: httpx.AsyncClient, database: Database, config: Config, tenant: MadeTenant
) -> None:
    guard = await register_client(
        database,
        config.secret_peppers,
        tenant.tenant_id,
        NewClient(name="guard", apis=(), serves=(tenant.audience,)),
    )
    auth = (guard.client_id, guard.client_secret)
    token = await issued_token(http, tenant)
    seen = await http.post(f"{tenant.issuer}/oauth/introspect", data={"token": token}, auth=auth)
    assert seen.json()["active"] is True
    assert seen.json()["client_id"] == tenant.client.client_id
    asked = await http.post(
        tenant.token_endpoint, data={"grant_type": "client_credentials"}, auth=auth
    )
    check_refusal(asked, 400, "invalid_target")


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("profile", list(TokenProfile))
async def test_an_api_chooses_algorithm_and_profile(
    http: httpx.AsyncClient,
    database: Database,
    config: Config,
    algorithm: Algorithm,
    profile: TokenProfile,
) -> None:
    tenant = await make_tenant(database, config, algorithm=algorithm, profile=profile)
    token = await issued_token(http, tenant)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == (algorithm, profile)
    keys = jwt.PyJWKSet.from_dict((await http.get(f"{tenant.issuer}/.well-known/jwks.json")).json())
    claims = jwt.decode(
        token, keys[header["kid"]], [algorithm], audience=tenant.audience, issuer=tenant.issuer
    )
    assert claims["client_id"] == tenant.client.client_id


async def test_one_token_for_two_resources(
    http: httpx.AsyncClient, database: Database, config: Config, tenant: MadeTenant
) -> None:
    second = NewApi(
        identifier="https://second.example",
        name="Second",
        scopes={"delete": ""},
        token_lifetime=600,
    )
    await create_api(database, Sealer(config.master_keys), tenant.tenant_id, second)
    both = (tenant.audience, second.identifier)
    client = await register_client(
        database, config.secret_peppers, tenant.tenant_id, NewClient(name="both", apis=both)
    )
    answer = await http.post(
        tenant.token_endpoint,
        data={"grant_type": "client_credentials", "resource": list(both)},
        auth=(client.client_id, client.client_secret),
    )
    body = answer.json()
    assert (body["expires_in"], body["scope"]) == (600, "delete read write")
