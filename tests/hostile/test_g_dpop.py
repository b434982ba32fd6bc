"""Rows G1 to G3 over HTTP, and FAPI 2.0's checks of DPoP for client_credentials."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.assertions import ABSENT
from tests.proofs import Prover, ask_with_proofs, new_prover, tenant_of
from tests.support import MadeTenant, Server, ask_token, introspect, issued_token, post_raw

_AT_ONCE = 50


@pytest.fixture(scope="module")
def tenant(server: Server) -> MadeTenant:
    return tenant_of(server)


@pytest.fixture(scope="module")
def strict(server: Server) -> MadeTenant:
    return tenant_of(server, dpop="required")


@pytest.fixture(scope="module")
def strictest(server: Server) -> MadeTenant:
    return tenant_of(server, dpop="nonce_required")


@pytest.fixture(scope="module")
def prover() -> Prover:
    return new_prover()


def check_refusal(answer: httpx.Response, error: str = "invalid_dpop_proof") -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.text.isascii()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert ("dpop-nonce" in answer.headers) == (error == "use_dpop_nonce")


def check_bound(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["dpop-nonce"]
    token: str = answer.json()["access_token"]
    return token


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256"])
async def test_the_token_is_bound_to_the_key(
    http: httpx.AsyncClient, tenant: MadeTenant, algorithm: str
) -> None:
    prover = new_prover(algorithm)
    answer = await ask_with_proofs(http, tenant, prover.proof(tenant.token_endpoint))
    found = (await introspect(http, tenant, check_bound(answer))).json()
    assert (found["active"], found["token_type"]) == (True, "DPoP")
    again = await ask_with_proofs(http, tenant, prover.proof(tenant.token_endpoint))
    same = (await introspect(http, tenant, check_bound(again))).json()
    assert same["cnf"] == found["cnf"]
    assert list(found["cnf"]) == ["jkt"]


async def test_a_request_without_a_proof_gets_a_bearer_token(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    answer = await ask_token(http, tenant)
    assert answer.json()["token_type"] == "Bearer"
    assert "dpop-nonce" not in answer.headers
    found = (await introspect(http, tenant, answer.json()["access_token"])).json()
    assert found["token_type"] == "Bearer"
    assert "cnf" not in found


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"jti": ABSENT}, id="G1-no-jti"),
        pytest.param({"htm": "GET"}, id="G1-htm"),
        pytest.param({"htm": ABSENT}, id="G1-no-htm"),
        pytest.param({"htu": "https://id.example/oauth/token"}, id="G1-htu"),
        pytest.param({"htu": ABSENT}, id="G1-no-htu"),
        pytest.param({"iat": ABSENT}, id="G1-no-iat"),
        pytest.param({"iat": int(time.time()) - 3600}, id="G1-iat-an-hour-old"),
        pytest.param({"iat": int(time.time()) + 3600}, id="G1-iat-an-hour-ahead"),
    ],
)
async def test_a_wrong_claim_is_refused(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover, changes: dict[str, Any]
) -> None:
    proof = prover.proof(tenant.token_endpoint, **changes)
    check_refusal(await ask_with_proofs(http, tenant, proof))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"typ": "JWT"}, id="G1-typ"),
        pytest.param({"typ": ABSENT}, id="G1-no-typ"),
        pytest.param({"alg": "none"}, id="G1-none"),
        pytest.param({"alg": "HS256"}, id="G1-hmac"),
        pytest.param({"alg": "EdDSA"}, id="G1-alg-of-another-kind-of-key"),
        pytest.param({"jwk": ABSENT}, id="G1-no-jwk"),
        pytest.param({"jwk": new_prover().jwk}, id="G1-another-key"),
        pytest.param({"jwk": new_prover().private_jwk}, id="G1-private-key"),
        pytest.param({"crit": ["x"]}, id="G1-crit"),
        pytest.param({"x5u": "http://127.0.0.1/x"}, id="G1-x5u"),
    ],
)
async def test_a_wrong_header_is_refused(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover, header: dict[str, Any]
) -> None:
    proof = prover.sign(prover.claims(tenant.token_endpoint), **header)
    check_refusal(await ask_with_proofs(http, tenant, proof))


async def test_g1_two_proofs_and_what_is_none_are_refused(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover
) -> None:
    one, other = (prover.proof(tenant.token_endpoint) for _ in "ab")
    check_refusal(await ask_with_proofs(http, tenant, one, other))
    check_refusal(await ask_with_proofs(http, tenant, f"{one}, {other}"))
    for text in ("", "x", "null", one + "==", one[: one.rindex(".") + 1], "A" * 9000):
        check_refusal(await ask_with_proofs(http, tenant, text))
    check_bound(await ask_with_proofs(http, tenant, one))  # none of these has spent it


async def test_g2_a_proof_that_is_required_and_missing(
    http: httpx.AsyncClient, strict: MadeTenant, prover: Prover
) -> None:
    for _ in range(6):  # also a worker that has decided on such a form before
        check_refusal(await ask_token(http, strict))
    check_bound(await ask_with_proofs(http, strict, prover.proof(strict.token_endpoint)))


async def test_g2_a_nonce_that_is_required_is_given_and_taken(
    http: httpx.AsyncClient, strictest: MadeTenant, prover: Prover
) -> None:
    url = strictest.token_endpoint
    check_refusal(await ask_token(http, strictest))
    first = await ask_with_proofs(http, strictest, prover.proof(url))
    check_refusal(first, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    for _ in range(4):  # whichever worker it meets
        answer = await ask_with_proofs(http, strictest, prover.proof(url, nonce=nonce))
        check_bound(answer)
        nonce = answer.headers["dpop-nonce"]


@pytest.mark.parametrize("nonce", ["", "x", "A" * 24, "\u2603"])
async def test_g2_a_nonce_that_is_not_ours_is_refused_for_every_client(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover, nonce: str
) -> None:
    claims = prover.claims(tenant.token_endpoint, nonce=nonce)
    answer = await ask_with_proofs(http, tenant, prover.sign(claims))
    check_refusal(answer, "use_dpop_nonce")
    claims["nonce"] = answer.headers["dpop-nonce"]  # nor has it spent the jti
    check_bound(await ask_with_proofs(http, tenant, prover.sign(claims)))


async def test_g2_a_siblings_nonce_is_not_ours(
    http: httpx.AsyncClient, tenant: MadeTenant, strictest: MadeTenant, prover: Prover
) -> None:
    theirs = await ask_with_proofs(http, tenant, prover.proof(tenant.token_endpoint))
    nonce = theirs.headers["dpop-nonce"]
    proof = prover.proof(strictest.token_endpoint, nonce=nonce)
    check_refusal(await ask_with_proofs(http, strictest, proof), "use_dpop_nonce")


async def test_g3_the_second_use_is_refused(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover
) -> None:
    claims = prover.claims(tenant.token_endpoint)
    check_bound(await ask_with_proofs(http, tenant, prover.sign(claims)))
    check_refusal(await ask_with_proofs(http, tenant, prover.sign(claims)))
    other = new_prover().sign(claims)
    check_bound(await ask_with_proofs(http, tenant, other))  # a jti is its key's


async def test_g3_fifty_at_once_and_exactly_one_is_served(
    tenant: MadeTenant, prover: Prover
) -> None:
    proof = prover.proof(tenant.token_endpoint)
    fresh = httpx.Limits(max_keepalive_connections=0)  # so that every worker is met
    async with httpx.AsyncClient(timeout=30, limits=fresh) as http:
        answers = await asyncio.gather(
            *(ask_with_proofs(http, tenant, proof) for _ in range(_AT_ONCE))
        )
    assert [each.status_code for each in answers].count(200) == 1
    for each in answers:
        if each.status_code != 200:
            check_refusal(each)


async def test_g3_a_request_that_is_refused_does_not_spend_its_proof(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover
) -> None:
    proof = prover.proof(tenant.token_endpoint)
    body = {"grant_type": "client_credentials"}
    assert (await post_raw(http, tenant.token_endpoint, body, DPoP=proof)).status_code == 401
    wrong = await ask_with_proofs(http, tenant, proof, scope="else")
    assert wrong.json()["error"] == "invalid_scope"
    check_bound(await ask_with_proofs(http, tenant, proof))


@pytest.mark.parametrize("seconds", [-10, 10])
async def test_g3_a_clock_that_is_ten_seconds_off_will_do(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover, seconds: int
) -> None:
    proof = prover.proof(tenant.token_endpoint, iat=int(time.time()) + seconds)
    check_bound(await ask_with_proofs(http, tenant, proof))


async def test_g3_an_htu_that_is_spelt_otherwise_will_do(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover
) -> None:
    url = tenant.token_endpoint
    for htu in (url + "?a=b", url + "#a", url.replace("http://", "HTTP://")):
        check_bound(await ask_with_proofs(http, tenant, prover.proof(htu)))


async def test_d7_a_proof_is_no_access_token_and_the_reverse(
    http: httpx.AsyncClient, tenant: MadeTenant, prover: Prover
) -> None:
    proof = prover.proof(tenant.token_endpoint)
    assert (await introspect(http, tenant, proof)).json() == {"active": False}
    token = await issued_token(http, tenant)
    check_refusal(await ask_with_proofs(http, tenant, token))


async def test_the_metadata_name_the_algorithms(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    found = (await http.get(f"{tenant.issuer}/.well-known/oauth-authorization-server")).json()
    assert found["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "RS256", "EdDSA"]
