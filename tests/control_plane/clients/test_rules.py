"""What a client may look like, and how the asked scopes spread over its APIs."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.clients.rules import (
    InvalidClientMetadata,
    NewClient,
    check_new_client,
    grants_for,
)

_THINGS, _OTHERS = "https://things.example", "https://others.example"
_GOOD = NewClient(name="first", apis=(_THINGS,))
_SCOPES_OF = {_THINGS: frozenset({"read", "write"}), _OTHERS: frozenset({"read", "admin"})}


def changed(**changes: Any) -> NewClient:
    return msgspec.structs.replace(_GOOD, **changes)


def granted(new: NewClient) -> dict[str, set[str]]:
    return {grant.api: set(grant.scopes) for grant in grants_for(new, _SCOPES_OF)}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": ""}, id="name-empty"),
        pytest.param({"name": "\t"}, id="name-blank"),
        pytest.param({"name": "a\nb"}, id="name-of-two-lines"),
        pytest.param({"name": "a\x00b"}, id="name-nul"),
        pytest.param({"name": "\x1b[2J"}, id="name-ansi"),
        pytest.param({"name": "n" * 101}, id="name-long"),
        pytest.param({"apis": ()}, id="nothing-to-do"),
        pytest.param({"apis": (_THINGS, _THINGS)}, id="api-twice"),
    ],
)
def test_a_client_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidClientMetadata):
        check_new_client(changed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"name": "Ünïcode 名前 🔑"}, id="name-of-any-letters"),
        pytest.param({"apis": (), "serves": (_THINGS,)}, id="resource-server-only"),
        pytest.param({"apis": (_THINGS, _OTHERS)}, id="two-apis"),
    ],
)
def test_a_client_that_can_be_is_taken(changes: dict[str, Any]) -> None:
    check_new_client(changed(**changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, {_THINGS: {"read", "write"}}, id="all-where-none-is-asked"),
        pytest.param({"scopes": frozenset({"read"})}, {_THINGS: {"read"}}, id="one"),
        pytest.param(
            {"apis": (_THINGS, _OTHERS), "scopes": frozenset({"read", "admin"})},
            {_THINGS: {"read"}, _OTHERS: {"read", "admin"}},
            id="each-api-its-own",
        ),
        pytest.param(
            {"apis": (_THINGS, _OTHERS), "scopes": frozenset({"admin"})},
            {_THINGS: set(), _OTHERS: {"admin"}},
            id="an-api-with-none-of-them",
        ),
        pytest.param({"scopes": frozenset()}, {_THINGS: set()}, id="none-on-purpose"),
        pytest.param({"apis": (), "serves": (_THINGS,)}, {}, id="resource-server-only"),
    ],
)
def test_scopes_go_to_the_apis_that_have_them(
    changes: dict[str, Any], expected: dict[str, set[str]]
) -> None:
    assert granted(changed(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"apis": ("https://no.example",)}, "https://no.example", id="unknown-api"),
        pytest.param(
            {"serves": ("https://no.example",)}, "https://no.example", id="unknown-serves"
        ),
        pytest.param({"scopes": frozenset({"read", "nope"})}, "nope", id="unknown-scope"),
        pytest.param({"scopes": frozenset({"admin"})}, "admin", id="scope-of-another-api"),
        pytest.param(
            {"serves": (_OTHERS,), "scopes": frozenset({"admin"})},
            "admin",
            id="scope-of-served-api",
        ),
        pytest.param({"scopes": frozenset({"READ"})}, "READ", id="6749-3.3-case"),
    ],
)
def test_what_no_api_of_the_client_has_is_refused_by_name(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidClientMetadata, match=said):
        granted(changed(**changes))


_SUBSETS = st.frozensets(st.sampled_from(["read", "write", "admin"]))


@given(st.permutations([_THINGS, _OTHERS]), _SUBSETS)
def test_nothing_is_granted_that_was_not_asked_or_that_the_api_has_not(
    apis: list[str], asked: frozenset[str]
) -> None:
    grants = granted(changed(apis=tuple(apis), scopes=asked))
    assert set(grants) == set(apis)
    assert set().union(*grants.values()) == asked
    assert all(scopes <= _SCOPES_OF[api] for api, scopes in grants.items())
