"""httpx-auth: it fetches a token when a request to an API needs one."""

from collections.abc import Iterator

import httpx
import pytest
from httpx_auth import InvalidGrantRequest, OAuth2, OAuth2ClientCredentials

from tests.interop.issuers import WRONG_SECRET, LiveIssuer, read_json
from tests.interop.verification import verify_with_joserfc


@pytest.fixture(autouse=True)
def _nothing_cached() -> Iterator[None]:
    OAuth2.token_cache.clear()
    yield
    OAuth2.token_cache.clear()


@pytest.mark.parametrize("target", ["resource", "audience"])
def test_httpx_auth_fetches_a_token_that_the_api_verifies(live: LiveIssuer, target: str) -> None:
    asking = OAuth2ClientCredentials(
        _token_endpoint(live),
        live.client_id,
        live.client_secret,
        scope=["read"],
        **{target: live.audience},
    )
    with _api(live) as api:
        answer = api.get("/things", auth=asking)
    assert answer.json() == {"client_id": live.client_id, "scope": "read"}


def test_httpx_auth_needs_neither_scope_nor_audience(default: LiveIssuer) -> None:
    asking = OAuth2ClientCredentials(
        _token_endpoint(default), default.client_id, default.client_secret
    )
    with _api(default) as api:
        answer = api.get("/things", auth=asking)
    assert set(answer.json()["scope"].split()) == {"read", "write"}


def test_a_wrong_secret_is_httpx_auths_invalid_grant_request(default: LiveIssuer) -> None:
    asking = OAuth2ClientCredentials(_token_endpoint(default), default.client_id, WRONG_SECRET)
    with _api(default) as api, pytest.raises(InvalidGrantRequest, match=r"^invalid_client: "):
        api.get("/things", auth=asking)


def _token_endpoint(live: LiveIssuer) -> str:
    metadata = read_json(live.openid_configuration)
    assert metadata["issuer"] == live.issuer
    endpoint: str = metadata["token_endpoint"]
    return endpoint


def _api(live: LiveIssuer) -> httpx.Client:
    """Stand in for the customer's API: it reads the bearer token and verifies it."""

    def serve(request: httpx.Request) -> httpx.Response:
        scheme, _, token = request.headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        claims = verify_with_joserfc(token, live)
        return httpx.Response(200, json={each: claims[each] for each in ("client_id", "scope")})

    return httpx.Client(base_url=live.audience, transport=httpx.MockTransport(serve))
