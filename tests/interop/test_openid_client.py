"""openid-client (npm), which speaks to the server through oauth4webapi."""

from tests.interop.issuers import WRONG_SECRET, LiveIssuer
from tests.interop.node import Node, expect_challenge, expect_claims

SCRIPT = "openid-client.mjs"
BASIC_AND_POST = ["client_secret_basic", "client_secret_post"]


def test_openid_client_discovers_fetches_and_jose_verifies(live: LiveIssuer, node: Node) -> None:
    asked = {"scope": "write", "resource": live.audience}
    tokens = node.ask(SCRIPT, "tokens", live, asked)["tokens"]
    assert [(each["algorithm"], each["method"]) for each in tokens] == [
        (algorithm, method) for algorithm in ("oidc", "oauth2") for method in BASIC_AND_POST
    ]
    for each in tokens:
        assert each["token"]["scope"] == "write"
        assert 3590 < each["expiresIn"] <= 3600
        expect_claims(each["claims"], live, scope="write")


def test_a_token_that_openid_client_revokes_introspects_inactive(
    default: LiveIssuer, node: Node
) -> None:
    answers = node.ask(SCRIPT, "revocation", default, {"audience": default.audience})["answers"]
    assert answers == [{"method": each, "before": True, "ended": True} for each in BASIC_AND_POST]


def test_a_wrong_secret_is_openid_clients_own_error(default: LiveIssuer, node: Node) -> None:
    wrong = node.ask(SCRIPT, "refusals", default, {}, client_secret=WRONG_SECRET)
    assert len(wrong["refused"]) == len(BASIC_AND_POST)
    for each in wrong["refused"]:
        expect_challenge(each, default)


def test_a_scope_that_is_not_granted_is_openid_clients_own_error(
    default: LiveIssuer, node: Node
) -> None:
    refused = node.ask(SCRIPT, "refusals", default, {"scope": "else"})["refused"]
    assert [each["name"] for each in refused] == ["ResponseBodyError"] * 2
    assert [each["cause"]["error"] for each in refused] == ["invalid_scope"] * 2
