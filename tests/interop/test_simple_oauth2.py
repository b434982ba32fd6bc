"""simple-oauth2 (npm): Basic percent-encoded and raw, and the secret in the body."""

from tests.interop.issuers import WRONG_SECRET, LiveIssuer
from tests.interop.node import Node, expect_claims

SCRIPT = "simple-oauth2.mjs"
METHODS = ["header, percent-encoded", "header, raw", "body"]


def test_simple_oauth2_fetches_a_token_and_jose_verifies_it(live: LiveIssuer, node: Node) -> None:
    asked = {"scope": "read", "audience": live.audience}
    tokens = node.ask(SCRIPT, "tokens", live, asked)["tokens"]
    assert [each["method"] for each in tokens] == METHODS
    for each in tokens:
        assert (each["token"]["scope"], each["expired"]) == ("read", False)
        expect_claims(each["claims"], live, scope="read")


def test_a_token_that_simple_oauth2_revokes_introspects_inactive(
    default: LiveIssuer, node: Node
) -> None:
    found = node.ask(SCRIPT, "revocation", default, {})
    assert (found["before"], found["ended"]) == (True, True)


def test_simple_oauth2_finds_no_fault_in_the_answer_to_a_revocation(
    default: LiveIssuer, node: Node
) -> None:
    """It reads every answer as JSON, and refuses one whose content type is another."""
    failure = node.ask(SCRIPT, "revocation", default, {})["failure"]
    assert failure["name"] == "nothing was thrown", failure


def test_a_wrong_secret_is_simple_oauth2s_own_error(default: LiveIssuer, node: Node) -> None:
    refused = node.ask(SCRIPT, "refusals", default, {}, client_secret=WRONG_SECRET)["refused"]
    assert [each["status"] for each in refused] == [401, 401, 401]
    assert [each["body"]["error"] for each in refused] == ["invalid_client"] * 3
