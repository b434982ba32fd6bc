"""What the forms of clients say. Pure."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from control_plane.clients.rules import ClientChange, ClientKeys, NewClient
from control_plane.http.forms import one_of
from shared.domain.client import AuthMethod
from shared.domain.limits import InvalidLimit, Rate
from shared.domain.pasted_keys import read_pasted_keys
from shared.domain.scope import Scope
from shared.domain.static_claims import InvalidStaticClaims

# what the names of boxes begin with: of an API to ask for, a scope, an API to serve
API, SCOPE, SERVES = "api:", "scope:", "serves:"
_MOST_DIGITS = 9


def chosen(fields: Mapping[str, str], prefix: str) -> list[str]:
    """Give what is ticked of one kind."""
    return [name.removeprefix(prefix) for name in fields if name.startswith(prefix)]


def new_client(fields: Mapping[str, str]) -> NewClient:
    """Read a new client; it gets all scopes of its APIs. Raises InvalidKeySet."""
    proof = one_of(AuthMethod, fields.get("method", ""), AuthMethod.CLIENT_SECRET)
    return NewClient(
        name=fields.get("name", "").strip(),
        apis=tuple(chosen(fields, API)),
        auth_method=proof,
        keys=_keys(fields) if proof is AuthMethod.PRIVATE_KEY_JWT else None,
    )


def rate(fields: Mapping[str, str]) -> Rate:
    """Read a limit; the burst is two seconds of the rate where it is empty, as in every plan."""
    per_second = _count(fields.get("rate", ""))
    burst = fields.get("burst", "").strip()
    return Rate(per_second, _count(burst) if burst else 2 * per_second)


def static_claims(fields: Mapping[str, str]) -> dict[str, Any]:
    """Read claims that are typed as JSON; where nothing is, there are none.

    Raises InvalidStaticClaims.
    """
    text = fields.get("claims", "").strip() or "{}"
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise InvalidStaticClaims('write the claims as JSON, such as {"region": "eu"}') from None


def typed_claims(claims: Mapping[str, Any]) -> str:
    """Give claims as `static_claims` reads them."""
    return json.dumps(claims, indent=2, ensure_ascii=False) if claims else ""


def granted(
    fields: Mapping[str, str], default: str | None, scopes_of: Mapping[str, Scope]
) -> ClientChange:
    """Read which APIs and scopes the client is to have; its default stays the default.

    `scopes_of` has the tenant's APIs. A scope that is ticked for an API that is not goes with it.
    """
    ticked = chosen(fields, API)
    first = fields.get("default", "") or default
    apis = sorted(ticked, key=lambda each: each != first)
    known = frozenset[str]().union(*(scopes_of.get(each, frozenset()) for each in ticked))
    return ClientChange(
        apis=tuple(apis),
        scopes=known & frozenset(chosen(fields, SCOPE)),
        serves=tuple(chosen(fields, SERVES)),
    )


def _keys(fields: Mapping[str, str]) -> ClientKeys:
    pasted, uri = fields.get("keys", "").strip(), fields.get("uri", "").strip()
    return ClientKeys(jwks=read_pasted_keys(pasted) if pasted else (), jwks_uri=uri or None)


def _count(text: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise InvalidLimit("a rate and a burst are whole numbers")
    return int(digits)
