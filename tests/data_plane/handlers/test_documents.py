"""Discovery and the key set over HTTP: RFC 8414 sections 3 and 3.1, RFC 9110 section 13."""

import asyncio
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from tests.support import MadeTenant, Server, issued_token, new_slug

DISCOVERY = (
    "{issuer}/.well-known/openid-configuration",
    "{issuer}/.well-known/oauth-authorization-server",
    "{origin}/.well-known/openid-configuration{path}",
    "{origin}/.well-known/oauth-authorization-server{path}",
)


def discovery_urls(issuer: str) -> list[str]:
    parts = urlsplit(issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    return [each.format(issuer=issuer, origin=origin, path=parts.path) for each in DISCOVERY]


async def test_discovery_is_the_same_json_at_four_urls(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    answers = [await http.get(url) for url in discovery_urls(tenant.issuer)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"*"}
    assert len({answer.content for answer in answers}) == 1
    metadata = answers[0].json()
    assert metadata["issuer"] == tenant.issuer
    assert metadata["token_endpoint"] == tenant.token_endpoint
    assert metadata["scopes_supported"] == ["read", "write"]
    assert metadata["response_types_supported"] == []
    assert set(metadata["id_token_signing_alg_values_supported"]) == {"ES256", "RS256"}


async def test_discovery_does_not_follow_the_host_header(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    for header in ("Host", "X-Forwarded-Host"):
        answer = await http.get(discovery_urls(tenant.issuer)[0], headers={header: "evil.example"})
        assert answer.json()["issuer"] == tenant.issuer


async def test_the_key_set_has_an_ec_and_an_rsa_key_and_nothing_private(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    answer = await http.get(f"{tenant.issuer}/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = answer.json()["keys"]
    assert {key["kty"]: set(key) for key in keys} == {
        "EC": {"kty", "use", "alg", "kid", "crv", "x", "y"},
        "RSA": {"kty", "use", "alg", "kid", "n", "e"},
    }
    assert len({key["kid"] for key in keys}) == len(keys)


DOCUMENTS = (
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/revocations",
)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("form", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
async def test_what_the_caller_holds_is_not_sent_again(
    http: httpx.AsyncClient, tenant: MadeTenant, document: str, form: str
) -> None:
    url = tenant.issuer + document
    etag = (await http.get(url)).headers["etag"]
    answer = await http.get(url, headers={"If-None-Match": form.format(etag=etag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert (await http.get(url, headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_browser_may_ask(
    http: httpx.AsyncClient, tenant: MadeTenant, document: str
) -> None:
    answer = await http.options(tenant.issuer + document, headers={"Origin": "https://x.example"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_head_is_get_without_a_body(
    http: httpx.AsyncClient, tenant: MadeTenant, document: str
) -> None:
    whole = await http.get(tenant.issuer + document)
    head = await http.head(tenant.issuer + document)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


async def test_a_revoked_token_is_in_the_feed_of_every_worker(
    http: httpx.AsyncClient, tenant: MadeTenant
) -> None:
    url = f"{tenant.issuer}/.well-known/revocations"
    before = await http.get(url)
    assert before.headers["cache-control"] == "public, max-age=1"
    assert before.json() == {"tokens": {}, "clients": {}, "not_before": 0}
    token = await issued_token(http, tenant)
    await http.post(f"{tenant.issuer}/oauth/revoke", data={"token": token}, auth=tenant.basic)
    claims = jwt.decode(token, options={"verify_signature": False})
    async with asyncio.timeout(60):
        for _ in range(20):  # a new connection may come to the other worker
            async with httpx.AsyncClient() as fresh:
                while (await fresh.get(url)).json()["tokens"] != {claims["jti"]: claims["exp"]}:
                    await asyncio.sleep(0.01)
    assert (await http.get(url, headers={"If-None-Match": before.headers["etag"]})).is_success


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(
    http: httpx.AsyncClient, tenant: MadeTenant, method: str
) -> None:
    answer = await http.request(method, f"{tenant.issuer}/.well-known/jwks.json")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_a_probe_is_only_read(http: httpx.AsyncClient, server: Server) -> None:
    answer = await http.post(f"{server.url}/livez")
    assert (answer.status_code, answer.json()["error"]) == (405, "invalid_request")
    assert "nothing here" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/t/{unknown}/.well-known/jwks.json", id="unknown-tenant"),
        pytest.param("/.well-known/openid-configuration", id="never-at-the-bare-root"),
        pytest.param("/.well-known/openid-configuration/t/{unknown}", id="inserted-unknown"),
        pytest.param("/t/{slug}", id="issuer-itself"),
        pytest.param("/t/{slug}/", id="issuer-with-slash"),
        pytest.param("/t/{slug}/.well-known/jwks.json/", id="trailing-slash"),
        pytest.param("//t/{slug}/.well-known/jwks.json", id="F1-double-slash"),
        pytest.param("/t//{slug}/.well-known/jwks.json", id="F1-inner-double-slash"),
        pytest.param("/t/..%2f{slug}/.well-known/jwks.json", id="F1-dots"),
        pytest.param("/t/%00/.well-known/jwks.json", id="F1-nul"),
        pytest.param("/t/%ff/.well-known/jwks.json", id="F1-not-utf8"),
        pytest.param("/t/{upper}/.well-known/jwks.json", id="F1-upper-case"),
        pytest.param("/t/%61{slug}/.well-known/jwks.json", id="F1-escaped"),
        pytest.param("/t/{slug};x/.well-known/jwks.json", id="F1-matrix"),
        pytest.param("/t/" + "a" * 300 + "/.well-known/jwks.json", id="F1-300-characters"),
        pytest.param("/t/а-cme/.well-known/jwks.json", id="F1-homoglyph"),  # noqa: RUF001
        pytest.param("/nothing", id="elsewhere"),
    ],
)
async def test_what_is_not_there_is_not_found(
    http: httpx.AsyncClient, server: Server, tenant: MadeTenant, path: str
) -> None:
    filled = path.format(unknown=new_slug(), slug=tenant.slug, upper=tenant.slug.upper())
    answer = await http.get(server.url + filled)
    assert answer.status_code == 404
    assert answer.json() == {"error": "not_found", "error_description": "there is nothing here"}
    assert answer.headers["cache-control"] == "no-store"
