"""oauth4webapi (npm): the strictest reader of what an authorization server answers."""

import pytest

from tests.interop.issuers import WRONG_SECRET, LiveIssuer, fetch_token
from tests.interop.node import Node, expect_challenge, expect_claims

SCRIPT = "oauth4webapi.mjs"
BASIC_AND_POST = ["client_secret_basic", "client_secret_post"]


@pytest.mark.parametrize("kind", ["ES256", "RS256", "EdDSA"])
def test_oauth4webapi_discovers_fetches_and_validates_strictly(
    issuers: dict[str, LiveIssuer], node: Node, kind: str
) -> None:
    live = issuers[kind]
    asked = {"scope": "read", "resource": live.audience}
    tokens = node.ask(SCRIPT, "tokens", live, asked)["tokens"]
    assert [(each["algorithm"], each["method"]) for each in tokens] == [
        (algorithm, method) for algorithm in ("oidc", "oauth2") for method in BASIC_AND_POST
    ]
    for each in tokens:
        assert (each["token"]["token_type"], each["token"]["scope"]) == ("bearer", "read")
        expect_claims(each["claims"], live, scope="read")


def test_oauth4webapis_validator_refuses_the_other_profile_for_its_type(
    issuers: dict[str, LiveIssuer], node: Node
) -> None:
    live = issuers["typ-JWT"]
    refused = node.ask(SCRIPT, "invalid", live, {}, token=fetch_token(live))["refused"]
    assert refused["message"] == 'unexpected JWT "typ" header parameter value'


def test_a_token_that_oauth4webapi_revokes_introspects_inactive(
    default: LiveIssuer, node: Node
) -> None:
    answers = node.ask(SCRIPT, "revocation", default, {"audience": default.audience})["answers"]
    assert answers == [{"method": each, "before": True, "ended": True} for each in BASIC_AND_POST]


def test_a_wrong_secret_is_oauth4webapis_own_error(default: LiveIssuer, node: Node) -> None:
    wrong = node.ask(SCRIPT, "refusals", default, {}, client_secret=WRONG_SECRET)
    assert len(wrong["refused"]) == len(BASIC_AND_POST)
    for each in wrong["refused"]:
        expect_challenge(each, default)


def test_a_scope_that_is_not_granted_is_oauth4webapis_own_error(
    default: LiveIssuer, node: Node
) -> None:
    refused = node.ask(SCRIPT, "refusals", default, {"scope": "else"})["refused"]
    assert [each["name"] for each in refused] == ["ResponseBodyError"] * 2
    assert [each["cause"]["error"] for each in refused] == ["invalid_scope"] * 2
