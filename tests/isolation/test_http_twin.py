"""Over HTTP too a tenant is nobody at the URL of another, and learns nothing there."""

import httpx
import msgspec
import pytest

from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.support import MadeTenant, ask_token, introspect, make_tenant

_ANSWERED = 20  # fresh connections: enough to meet every worker


@pytest.fixture
async def a(tenant: MadeTenant) -> MadeTenant:
    return tenant


@pytest.fixture
async def b(database: Database, config: Config) -> MadeTenant:
    return await make_tenant(database, config)


def telling(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """What a caller can tell answers apart by."""
    per_answer = {"date", "x-request-id"}
    headers = {name: value for name, value in answer.headers.items() if name not in per_answer}
    return answer.status_code, answer.content, headers


def with_credentials_of(tenant: MadeTenant, other: MadeTenant) -> MadeTenant:
    return msgspec.structs.replace(tenant, client=other.client)


def with_unknown_client(tenant: MadeTenant) -> MadeTenant:
    unknown = msgspec.structs.replace(tenant.client, client_id="c_0000000000000000")
    return msgspec.structs.replace(tenant, client=unknown)


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke"])
async def test_credentials_of_tenant_a_are_an_unknown_client_at_tenant_b(
    endpoint: str, a: MadeTenant, b: MadeTenant, http: httpx.AsyncClient
) -> None:
    url = f"{b.issuer}/oauth/{endpoint}"
    form = {"grant_type": "client_credentials", "token": "x"}
    answers = [
        await http.post(url, data=form, auth=each.basic)
        for each in (with_credentials_of(b, a), with_unknown_client(b))
    ]
    assert answers[0].status_code == httpx.codes.UNAUTHORIZED
    assert answers[0].json()["error"] == "invalid_client"
    assert telling(answers[0]) == telling(answers[1])


async def token_of(http: httpx.AsyncClient, tenant: MadeTenant) -> str:
    answer = await ask_token(http, tenant)
    assert answer.status_code == httpx.codes.OK, answer.text
    return str(answer.json()["access_token"])


async def test_a_token_of_tenant_a_is_inactive_at_tenant_b_and_no_more_is_said(
    a: MadeTenant, b: MadeTenant, http: httpx.AsyncClient
) -> None:
    answer = await introspect(http, b, await token_of(http, a))
    assert telling(answer) == telling(await introspect(http, b, "no token"))
    assert answer.content == b'{"active":false}'


async def test_a_token_of_tenant_a_revoked_at_tenant_b_stays_active_at_a(
    a: MadeTenant, b: MadeTenant, http: httpx.AsyncClient
) -> None:
    token = await token_of(http, a)
    answers = [
        await http.post(f"{b.issuer}/oauth/revoke", data={"token": each}, auth=b.basic)
        for each in (token, "no token")
    ]
    assert answers[0].status_code == httpx.codes.OK
    assert telling(answers[0]) == telling(answers[1])
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits) as fresh:
        for _ in range(_ANSWERED):
            assert (await introspect(fresh, a, token)).json()["active"] is True


async def test_an_api_of_tenant_a_is_no_target_at_tenant_b(
    a: MadeTenant, b: MadeTenant, http: httpx.AsyncClient
) -> None:
    answers = [
        await ask_token(http, b, resource=each)
        for each in (a.audience, "https://api.nowhere.example")
    ]
    assert answers[0].json()["error"] == "invalid_target"
    assert telling(answers[0]) == telling(answers[1])


async def test_the_documents_of_two_tenants_share_no_key_and_no_issuer(
    a: MadeTenant, b: MadeTenant, http: httpx.AsyncClient
) -> None:
    kids = []
    for each in (a, b):
        keys = (await http.get(f"{each.issuer}/.well-known/jwks.json")).json()["keys"]
        kids.append({key["kid"] for key in keys})
        metadata = (await http.get(f"{each.issuer}/.well-known/openid-configuration")).json()
        assert metadata["issuer"] == each.issuer
    assert kids[0].isdisjoint(kids[1])
