"""Reading a token request, RFC 6749 section 3.2."""

import msgspec

from data_plane.protocol.errors import InvalidScope, UnsupportedGrantType
from data_plane.protocol.request_gate import Form
from shared.domain.scope import MalformedScope, Scope, parse_scope

GRANT_TYPES = ("client_credentials",)


class ClientCredentialsRequest(msgspec.Struct, frozen=True):
    """Section 4.4.2, with the resource indicators of RFC 8707 section 2."""

    scope: Scope | None  # None: not asked for
    resources: tuple[str, ...]  # `resource` values, then Auth0's `audience`; empty: the default API


def read_token_request(form: Form) -> ClientCredentialsRequest:
    match form.required("grant_type"):
        case "client_credentials":
            return ClientCredentialsRequest(_scope(form), _resources(form))
        case _:
            raise UnsupportedGrantType("this server does not offer that grant")


def _resources(form: Form) -> tuple[str, ...]:
    audience = form.get("audience")
    asked = form.resources if audience is None else (*form.resources, audience)
    return tuple(dict.fromkeys(asked))


def _scope(form: Form) -> Scope | None:
    text = form.get("scope")
    if text is None:
        return None
    try:
        return parse_scope(text)
    except MalformedScope:
        raise InvalidScope("'scope' is not a list of scope-tokens") from None
