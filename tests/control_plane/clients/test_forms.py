"""What the boxes of a client's forms say."""

from control_plane.clients.forms import granted, new_client

_SCOPES = {"https://a": frozenset({"read", "write"}), "https://b": frozenset({"read"})}


def test_a_new_client_gets_all_scopes_of_the_ticked_apis() -> None:
    new = new_client({"name": " x ", "api:https://a": "1", "csrf": "…"})
    assert (new.name, new.apis, new.scopes) == ("x", ("https://a",), None)


def test_the_default_stays_the_default_until_another_is_chosen() -> None:
    fields = {"api:https://a": "1", "api:https://b": "1", "scope:read": "1"}
    assert granted(fields, "https://b", _SCOPES).apis == ("https://b", "https://a")
    chosen = granted(fields | {"default": "https://a"}, "https://b", _SCOPES)
    assert chosen.apis == ("https://a", "https://b")


def test_a_scope_goes_with_the_api_that_has_it() -> None:
    fields = {"api:https://b": "1", "scope:read": "1", "scope:write": "1", "scope:none": "1"}
    assert granted(fields, None, _SCOPES).scopes == frozenset({"read"})
