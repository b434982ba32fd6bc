"""Introspection answered by a JWT (RFC 9701), verified by joserfc."""

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.proofs import ask_with_proofs, new_prover, tenant_of
from tests.support import MadeTenant, Server, ask_token, introspect, issued_token

JWT = "application/token-introspection+jwt"


@pytest.fixture(scope="module")
def tenant(server: Server) -> MadeTenant:
    return tenant_of(server)


async def ask_signed(http: httpx.AsyncClient, tenant: MadeTenant, token: str) -> httpx.Response:
    answer = await http.post(
        f"{tenant.issuer}/oauth/introspect",
        data={"token": token},
        auth=tenant.basic,
        headers={"Accept": JWT},
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, JWT)
    assert answer.headers["cache-control"] == "no-store"
    return answer


async def read_signed(http: httpx.AsyncClient, tenant: MadeTenant, text: str) -> jwt.Token:
    keys = KeySet.import_key_set((await http.get(f"{tenant.issuer}/.well-known/jwks.json")).json())
    return jwt.decode(text, keys, algorithms=["RS256"])


async def test_it_says_what_the_plain_answer_says(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    proof = new_prover().proof(tenant.token_endpoint)
    for answer in (await ask_token(http, tenant), await ask_with_proofs(http, tenant, proof)):
        token = answer.json()["access_token"]
        plain = (await introspect(http, tenant, token)).json()
        signed = await read_signed(http, tenant, (await ask_signed(http, tenant, token)).text)
        assert (signed.header["typ"], signed.header["alg"]) == ("token-introspection+jwt", "RS256")
        assert set(signed.claims) == {"iss", "aud", "iat", "token_introspection"}
        assert signed.claims["iss"] == tenant.issuer
        assert signed.claims["aud"] == tenant.client.client_id
        assert signed.claims["iat"] >= plain["iat"]
        assert signed.claims["token_introspection"] == plain


async def test_an_inactive_token_is_inactive_and_nothing_else(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    signed = await read_signed(http, tenant, (await ask_signed(http, tenant, "x")).text)
    assert signed.claims["token_introspection"] == {"active": False}


async def test_d7_the_answer_is_no_access_token(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    token = await issued_token(http, tenant)
    answer = (await ask_signed(http, tenant, token)).text
    assert (await introspect(http, tenant, answer)).json() == {"active": False}


async def test_a_refusal_is_json_whatever_is_accepted(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    answer = await http.post(
        f"{tenant.issuer}/oauth/introspect", data={"token": "x"}, headers={"Accept": JWT}
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


async def test_the_metadata_name_the_algorithm(http: httpx.AsyncClient, tenant: MadeTenant) -> None:
    found = (await http.get(f"{tenant.issuer}/.well-known/oauth-authorization-server")).json()
    assert found["introspection_signing_alg_values_supported"] == ["RS256"]
