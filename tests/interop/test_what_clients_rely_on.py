"""What these clients take for granted, read without any of them."""

import re

import httpx
import msgspec
import pytest

from tests.interop.issuers import LiveIssuer
from tests.interop.node import NPM


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/t/{slug}/.well-known/openid-configuration", id="openid-connect-discovery-4"),
        pytest.param("/t/{slug}/.well-known/oauth-authorization-server", id="rfc8414-5-legacy"),
        pytest.param("/.well-known/oauth-authorization-server/t/{slug}", id="rfc8414-3.1"),
        pytest.param("/.well-known/openid-configuration/t/{slug}", id="rfc8414-5"),
    ],
)
def test_every_way_to_discover_gives_the_same_document_without_a_redirect(
    default: LiveIssuer, path: str
) -> None:
    origin = default.issuer.removesuffix(f"/t/{default.tenant.slug}")
    answer = httpx.get(origin + path.format(slug=default.tenant.slug), follow_redirects=False)
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["Content-Type"] == "application/json"  # oauth4webapi wants it exactly
    assert answer.json()["issuer"] == default.issuer  # go-oidc compares it byte by byte


def test_an_id_and_a_secret_are_the_same_raw_and_form_encoded(default: LiveIssuer) -> None:
    """Authlib and httpx-auth send Basic raw; oauth4webapi percent-encodes even the underscore."""
    for each in (default.client_id, default.client_secret):
        assert re.fullmatch(r"[A-Za-z0-9_]+", each)
        assert "_" in each  # so that the tests of this folder meet both spellings


def test_basic_is_read_raw_and_percent_encoded(default: LiveIssuer) -> None:
    encoded = tuple(each.replace("_", "%5F") for each in default.tenant.basic)
    for user, password in (default.tenant.basic, encoded):
        answer = httpx.post(
            default.tenant.token_endpoint,
            data={"grant_type": "client_credentials"},
            auth=(user, password),
        )
        assert answer.status_code == httpx.codes.OK


def test_the_npm_packages_are_pinned_and_their_lock_file_names_no_host() -> None:
    asked = msgspec.json.decode((NPM / "package.json").read_bytes())["dependencies"]
    lock = (NPM / "package-lock.json").read_text()
    installed = msgspec.json.decode(lock)["packages"]
    assert {each: installed[f"node_modules/{each}"]["version"] for each in asked} == asked
    assert "http" not in lock
    assert all("integrity" in each for path, each in installed.items() if path)
