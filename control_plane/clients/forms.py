"""What the forms of clients say. Pure."""

from collections.abc import Mapping

from control_plane.clients.rules import ClientChange, NewClient
from shared.domain.scope import Scope

API, SCOPE = "api:", "scope:"  # what the names of an API's and of a scope's box begin with


def chosen(fields: Mapping[str, str], prefix: str) -> list[str]:
    """Give what is ticked of one kind."""
    return [name.removeprefix(prefix) for name in fields if name.startswith(prefix)]


def new_client(fields: Mapping[str, str]) -> NewClient:
    """Read a new client; it gets all scopes of its APIs."""
    return NewClient(name=fields.get("name", "").strip(), apis=tuple(chosen(fields, API)))


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
    return ClientChange(apis=tuple(apis), scopes=known & frozenset(chosen(fields, SCOPE)))
