"""A client's own claims in its tokens, as they are asked for over HTTP."""

import httpx
import jwt
import pytest

from tests.proofs import ask_with_proofs, new_prover, tenant_of
from tests.support import MadeTenant, Server, introspect, issued_token

GOOD = {"https://acme.example/tier": "gold", "regions": ["eu", "us"], "limits": {"rps": 50}}
EVIL = {
    "iss": "https://evil.example",
    "sub": "root",
    "aud": "https://other.example",
    "exp": 9_999_999_999,
    "nbf": 1,
    "iat": 1,
    "jti": "j",
    "scope": "admin",
    "client_id": "root",
    "azp": "root",
    "cnf": {"jkt": "x"},
}


@pytest.fixture(scope="module")
def tenant(server: Server) -> MadeTenant:
    return tenant_of(server, claims=GOOD | EVIL)


async def test_d16_static_claims_stand_beside_ours_and_never_for_them(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    token = await issued_token(http, tenant)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert {name: claims[name] for name in GOOD} == GOOD
    ours = {"iss", "sub", "aud", "client_id", "azp", "scope", "iat", "exp", "jti"}
    assert set(claims) == ours | set(GOOD)
    assert claims["iss"] == tenant.issuer
    assert claims["sub"] == claims["client_id"] == claims["azp"] == tenant.client.client_id
    assert (claims["aud"], claims["scope"]) == (tenant.audience, "read write")
    assert claims["exp"] - claims["iat"] == 3600


async def test_a_token_with_static_claims_is_active_and_bound_as_any_other(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    proof = new_prover().proof(tenant.token_endpoint)
    token = (await ask_with_proofs(http, tenant, proof)).json()["access_token"]
    found = (await introspect(http, tenant, token)).json()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert found["active"]
    assert found["cnf"] == claims["cnf"]
    assert len(claims["cnf"]["jkt"]) == 43
