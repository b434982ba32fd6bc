"""Authlib: its session on requests and its asynchronous client on httpx."""

import warnings
from typing import Any
from urllib.parse import urlsplit

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from tests.interop.issuers import WRONG_SECRET, LiveIssuer, becomes, read_json
from tests.interop.verification import Claims, verify_with_authlib

with warnings.catch_warnings():  # where httpx2 is not installed it says that it would prefer it
    warnings.simplefilter("ignore", DeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

METHODS = ["client_secret_basic", "client_secret_post"]


@pytest.mark.parametrize("method", METHODS)
def test_authlibs_session_discovers_fetches_and_verifies(live: LiveIssuer, method: str) -> None:
    with _session(live, method) as session:
        token = session.fetch_token(resource=live.audience)
    assert (token["token_type"], token["scope"]) == ("Bearer", "read")
    assert verify_with_authlib(token["access_token"], live)["scope"] == "read"


@pytest.mark.parametrize("method", METHODS)
async def test_authlibs_asynchronous_client_discovers_fetches_and_verifies(
    live: LiveIssuer, method: str
) -> None:
    async with AsyncOAuth2Client(**_arguments(live, method)) as client:
        token = await client.fetch_token(audience=live.audience)
    assert (token["token_type"], token["scope"]) == ("Bearer", "read")
    assert verify_with_authlib(token["access_token"], live)["scope"] == "read"


def test_authlib_finds_the_metadata_of_rfc_8414_valid(default: LiveIssuer) -> None:
    metadata = AuthorizationServerMetadata(_discover(default))
    # It refuses an empty list here; we have no authorization endpoint, so any other would be a lie.
    assert metadata.pop("response_types_supported") == []
    metadata["response_types_supported"] = ["none"]
    metadata.validate()


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_secret_is_authlibs_oauth_error(default: LiveIssuer, method: str) -> None:
    session = _session(default, method, client_secret=WRONG_SECRET)
    with session, pytest.raises(OAuthError) as refused:
        session.fetch_token()
    assert refused.value.error == "invalid_client"


@pytest.mark.parametrize("method", METHODS)
async def test_a_wrong_secret_is_the_asynchronous_clients_oauth_error(
    default: LiveIssuer, method: str
) -> None:
    arguments = _arguments(default, method) | {"client_secret": WRONG_SECRET}
    async with AsyncOAuth2Client(**arguments) as client:
        with pytest.raises(OAuthError) as refused:
            await client.fetch_token()
    assert refused.value.error == "invalid_client"


@pytest.mark.parametrize("method", METHODS)
def test_a_token_that_authlib_revokes_introspects_inactive(
    default: LiveIssuer, method: str
) -> None:
    with _session(default, method) as session:
        token = session.fetch_token()["access_token"]

        def active() -> bool:
            url = session.metadata["introspection_endpoint"]
            return bool(session.introspect_token(url, token).json()["active"])

        assert active() is True
        assert session.revoke_token(session.metadata["revocation_endpoint"], token).ok
        assert becomes(active, wanted=False)


def _session(live: LiveIssuer, method: str, **other: str) -> OAuth2Session:
    return OAuth2Session(**(_arguments(live, method) | other))


def _arguments(live: LiveIssuer, method: str) -> dict[str, Any]:
    """Configure a client as its guide does: the metadata are keyword arguments."""
    metadata = _discover(live)
    endpoints = ("token_endpoint", "revocation_endpoint", "introspection_endpoint")
    return {
        "client_id": live.client_id,
        "client_secret": live.client_secret,
        "scope": "read",
        "token_endpoint_auth_method": method,
        "revocation_endpoint_auth_method": method,
    } | {each: metadata[each] for each in endpoints}


def _discover(live: LiveIssuer) -> Claims:
    """Ask where Authlib says: the well-known name is inserted before the issuer's path."""
    url = get_well_known_url(live.issuer, external=True)
    assert urlsplit(url).path == f"/.well-known/oauth-authorization-server/t/{live.tenant.slug}"
    metadata: Claims = read_json(url)
    assert metadata["issuer"] == live.issuer
    return metadata
