"""What to do about each error: the sentences that the console shows beside a refusal. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

FIXES: Mapping[str, str] = MappingProxyType(
    {
        "invalid_client": (
            "The client id or the secret is not right, or the client is disabled. "
            "Copy the command again, or make a new secret."
        ),
        "invalid_scope": "Ask only for scopes that the client is granted, or grant it more.",
        "invalid_target": "Name an API that the client is granted, or leave the audience out.",
        "unauthorized_client": "This client proves itself in another way: look at its settings.",
        "unsupported_grant_type": "Send grant_type=client_credentials.",
        "invalid_request": "Send a form by POST, with each parameter once.",
        "too_many_requests": (
            "Wait a little: your plan's rate, or its tokens of the month, are used. "
            "A service that keeps its token until it expires asks seldom."
        ),
        "invalid_dpop_proof": (
            "Make a new proof for each request, for this URL and method, with the client's own key "
            "and the present time."
        ),
        "use_dpop_nonce": "Send the request again, with the nonce of the answer's DPoP-Nonce.",
        "invalid_token": "Ask for a new management token: this one has expired or is not ours.",
        "token_missing": "Send a management token as a bearer, or sign the request.",
        "insufficient_scope": "Use an API key with the scope that the command needs.",
        "invalid_signature": "Sign with a key of OPERATOR_KEYS, over what the README names.",
        "temporarily_unavailable": "Try again: it was on our side, and Retry-After says when.",
    }
)
_NO_FIX = "Compare the request with the client's quick start."


def fix_of(error: str | None) -> str:
    return FIXES.get(error or "", _NO_FIX)
