"""RFC 6749 section 4.4 and RFC 8707 section 2, with no server and no database."""

from types import MappingProxyType

import pytest

from data_plane.protocol.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    UnsupportedGrantType,
)
from data_plane.protocol.grants.client_credentials import decide
from data_plane.protocol.request_gate import Form
from data_plane.protocol.token_request import ClientCredentialsRequest, read_token_request
from shared.domain.client import Client, GrantedApi, TokenProfile
from shared.domain.ids import ClientId
from shared.domain.jwk import Algorithm


def api(
    name: str,
    *scopes: str,
    lifetime: int = 3600,
    algorithm: Algorithm = Algorithm.ES256,
    profile: TokenProfile = TokenProfile.AT_JWT,
) -> GrantedApi:
    return GrantedApi(
        identifier=f"https://{name}",
        scope=frozenset(scopes),
        token_lifetime=lifetime,
        algorithm=algorithm,
        profile=profile,
    )


def client(*apis: GrantedApi, default: str | None = "https://a") -> Client:
    return Client(
        client_id=ClientId("c_1"), enabled=True, secrets=(), apis=apis, default_api=default
    )


def ask(*resources: str, scope: set[str] | None = None) -> ClientCredentialsRequest:
    return ClientCredentialsRequest(None if scope is None else frozenset(scope), resources)


def test_the_default_api_and_all_granted_scopes_are_meant_when_none_is_named() -> None:
    issue = decide(ask(), client(api("a", "read", "write"), api("b", "delete")))
    assert issue.audience == ("https://a",)
    assert issue.scope == {"read", "write"}


def test_a_named_resource_brings_its_own_lifetime_algorithm_and_profile() -> None:
    other = api("b", lifetime=60, algorithm=Algorithm.EDDSA, profile=TokenProfile.JWT)
    issue = decide(ask("https://b"), client(api("a"), other))
    assert issue.audience == ("https://b",)
    assert (issue.lifetime, issue.algorithm, issue.profile) == (60, "EdDSA", "JWT")


def test_two_resources_share_one_token_with_the_shorter_life() -> None:
    asked = ask("https://a", "https://b", scope={"read", "delete"})
    issue = decide(asked, client(api("a", "read"), api("b", "delete", lifetime=60)))
    assert issue.audience == ("https://a", "https://b")
    assert issue.scope == {"read", "delete"}
    assert issue.lifetime == 60


def test_fewer_scopes_may_be_asked_for() -> None:
    assert decide(ask(scope={"read"}), client(api("a", "read", "write"))).scope == {"read"}


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        pytest.param({"read", "offline_access"}, {"read"}, id="C9-beside-another"),
        pytest.param({"offline_access"}, {"read", "write"}, id="C9-alone-is-as-if-omitted"),
    ],
)
def test_offline_access_is_left_out(asked: set[str], given: set[str]) -> None:
    assert decide(ask(scope=asked), client(api("a", "read", "write"))).scope == given


def test_an_api_may_have_a_scope_that_is_named_so() -> None:
    asked = ask(scope={"offline_access"})
    granted = client(api("a", "read", "offline_access"))
    assert decide(asked, granted).scope == {"offline_access"}


def test_an_api_without_scopes_gives_a_token_without_scope() -> None:
    assert decide(ask(), client(api("a"))).scope == frozenset()


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param({"delete"}, id="C5-not-granted"),
        pytest.param({"READ"}, id="3.3-case-matters"),
    ],
)
def test_a_scope_that_is_not_granted_is_refused(scope: set[str]) -> None:
    with pytest.raises(InvalidScope):
        decide(ask(scope=scope), client(api("a", "read"), api("b", "delete")))


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        pytest.param(ask("https://z"), client(api("a")), id="C8-unknown"),
        pytest.param(ask("https://a", "https://z"), client(api("a")), id="C8-one-unknown"),
        pytest.param(ask("a"), client(api("a")), id="C8-relative"),
        pytest.param(ask("https://a#x"), client(api("a")), id="C8-fragment"),
        pytest.param(ask("https://A"), client(api("a")), id="C8-case"),
        pytest.param(ask(), client(api("a"), default=None), id="no-default"),
        pytest.param(ask(), client(), id="default-not-granted"),
        pytest.param(
            ask("https://a", "https://b"),
            client(api("a"), api("b", algorithm=Algorithm.RS256)),
            id="two-algorithms",
        ),
    ],
)
def test_targets_that_are_refused(asked: ClientCredentialsRequest, known: Client) -> None:
    with pytest.raises(InvalidTarget):
        decide(asked, known)


def form(*resources: str, **values: str) -> Form:
    return Form(MappingProxyType(values), resources)


def test_resource_and_audience_both_name_the_api() -> None:
    asked = read_token_request(
        form("https://a", grant_type="client_credentials", audience="https://b")
    )
    assert asked.resources == ("https://a", "https://b")


def test_an_api_named_twice_is_meant_once() -> None:
    asked = read_token_request(
        form("https://a", "https://a", grant_type="client_credentials", audience="https://a")
    )
    assert asked.resources == ("https://a",)


@pytest.mark.parametrize(
    ("given_form", "refusal"),
    [
        pytest.param(form(), InvalidRequest, id="C1-missing"),
        pytest.param(form(grant_type="password"), UnsupportedGrantType, id="C2-password"),
        pytest.param(form(grant_type="implicit"), UnsupportedGrantType, id="C2-implicit"),
        pytest.param(form(grant_type="Client_Credentials"), UnsupportedGrantType, id="C1-case"),
        *[
            pytest.param(
                form(grant_type="client_credentials", scope=scope), InvalidScope, id=f"C6-{scope!r}"
            )
            for scope in ('a"b', "a\\b", "a\nb", "a\tb", "é", "a  b", " a", "a ", " ")
        ],
    ],
)
def test_requests_that_are_refused(given_form: Form, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        read_token_request(given_form)
