"""jose (npm): a remote key set, without a redirect, and the strict checks of a JWT."""

from tests.interop.issuers import LiveIssuer, fetch_token
from tests.interop.node import Node, expect_claims

SCRIPT = "jose.mjs"


def test_jose_verifies_a_token_by_the_remote_key_set(live: LiveIssuer, node: Node) -> None:
    asked = {"token": fetch_token(live), "metadata": live.openid_configuration}
    found = node.ask(SCRIPT, "verification", live, {}, **asked)
    header = found["protectedHeader"]
    assert (header["alg"], header["typ"]) == (live.algorithm, live.typ)
    expect_claims(found["payload"], live, scope="read write")


def test_jose_refuses_what_is_not_for_this_api(issuers: dict[str, LiveIssuer], node: Node) -> None:
    ours, theirs = issuers["ES256"], issuers["typ-JWT"]
    asked = {"token": fetch_token(ours), "foreign": fetch_token(theirs)}
    metadata = ours.openid_configuration
    refused = node.ask(SCRIPT, "refusals", ours, {}, metadata=metadata, **asked)
    assert {case: error["code"] for case, error in refused.items()} == {
        "otherAudience": "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "otherType": "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "otherIssuer": "ERR_JWKS_NO_MATCHING_KEY",
    }
