"""requests-oauthlib, with oauthlib below it."""

from typing import Any

import pytest
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from requests import Response
from requests_oauthlib import OAuth2Session

from tests.interop.issuers import WRONG_SECRET, LiveIssuer, becomes
from tests.interop.verification import Claims, verify_with_pyjwt

METHODS = [
    pytest.param({}, id="client_secret_basic"),
    pytest.param({"include_client_id": True}, id="client_secret_post"),
]


@pytest.fixture(autouse=True)
def _http_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.mark.parametrize("method", METHODS)
def test_requests_oauthlib_discovers_fetches_and_is_verified(
    live: LiveIssuer, method: dict[str, Any]
) -> None:
    with _session(live) as session:
        metadata = _discover(session, live)
        token = session.fetch_token(
            metadata["token_endpoint"], client_secret=live.client_secret, **method
        )
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert verify_with_pyjwt(token["access_token"], live)["client_id"] == live.client_id


@pytest.mark.parametrize("parameter", ["resource", "audience"])
@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(["read"], id="one"),
        pytest.param(["read", "write"], id="all"),
        pytest.param(["write", "read"], id="in-another-order"),
    ],
)
def test_oauthlib_finds_in_the_answer_the_scope_it_asked_for(
    default: LiveIssuer, scope: list[Any], parameter: str
) -> None:
    target: dict[str, Any] = {parameter: default.audience}
    with _session(default, scope) as session:  # it raises when the answer's differs
        token = session.fetch_token(
            default.tenant.token_endpoint,
            client_secret=default.client_secret,
            **target,
        )
    assert sorted(token["scope"]) == sorted(scope)


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_secret_is_oauthlibs_invalid_client(
    default: LiveIssuer, method: dict[str, Any]
) -> None:
    with _session(default) as session, pytest.raises(InvalidClientError):
        session.fetch_token(default.tenant.token_endpoint, client_secret=WRONG_SECRET, **method)


def test_a_token_that_oauthlib_revokes_introspects_inactive(default: LiveIssuer) -> None:
    with _session(default) as session:
        metadata = _discover(session, default)
        token = session.fetch_token(
            metadata["token_endpoint"], client_secret=default.client_secret
        )["access_token"]
        assert _is_active(session, metadata, token, default) is True
        url, headers, body = _client(default).prepare_token_revocation_request(
            metadata["revocation_endpoint"], token
        )
        assert _post(session, default, url, data=body, headers=headers).ok
        assert becomes(lambda: _is_active(session, metadata, token, default), wanted=False)


def _client(live: LiveIssuer, scope: list[Any] | None = None) -> BackendApplicationClient:
    return BackendApplicationClient(client_id=live.client_id, scope=scope)


def _session(live: LiveIssuer, scope: list[Any] | None = None) -> OAuth2Session:
    return OAuth2Session(client=_client(live, scope))


def _discover(session: OAuth2Session, live: LiveIssuer) -> Claims:
    metadata: Claims = session.request("GET", live.openid_configuration, withhold_token=True).json()
    assert metadata["issuer"] == live.issuer
    return metadata


def _is_active(session: OAuth2Session, metadata: Claims, token: str, live: LiveIssuer) -> bool:
    answer = _post(session, live, metadata["introspection_endpoint"], data={"token": token})
    active: bool = answer.json()["active"]
    return active


def _post(session: OAuth2Session, live: LiveIssuer, url: str, **form: Any) -> Response:
    return session.request("POST", url, auth=live.tenant.basic, withhold_token=True, **form)
