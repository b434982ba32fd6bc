"""Scope, RFC 6749 section 3.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.scope import MalformedScope, format_scope, parse_scope

# section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
_CHARACTERS = [chr(code) for code in (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))]
_TOKENS = st.text(st.sampled_from(_CHARACTERS), min_size=1)


@given(st.frozensets(_TOKENS, min_size=1))
def test_a_scope_survives_being_written_and_read(scope: frozenset[str]) -> None:
    assert parse_scope(format_scope(scope)) == scope


@given(st.lists(_TOKENS, min_size=1))
def test_order_and_repetition_carry_no_meaning(tokens: list[str]) -> None:
    assert parse_scope(" ".join(tokens)) == parse_scope(" ".join(reversed(tokens + tokens)))


def test_scopes_are_case_sensitive() -> None:
    assert parse_scope("read READ") == {"read", "READ"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="3.3-empty"),
        pytest.param(" ", id="3.3-space-alone"),
        pytest.param(" read", id="3.3-leading-space"),
        pytest.param("read ", id="3.3-trailing-space"),
        pytest.param("read  write", id="3.3-two-spaces"),
        pytest.param("read\twrite", id="3.3-tab"),
        pytest.param("read\n", id="3.3-newline"),
        pytest.param('re"ad', id="3.3-quote"),
        pytest.param("re\\ad", id="3.3-backslash"),
        pytest.param("re\x7fad", id="3.3-delete"),
        pytest.param("re\x00ad", id="3.3-nul"),
        pytest.param("läs", id="3.3-not-ascii"),
    ],
)
def test_what_the_grammar_does_not_allow_is_refused(text: str) -> None:
    with pytest.raises(MalformedScope):
        parse_scope(text)


@given(st.text(min_size=1))
def test_what_is_read_is_made_of_scope_tokens(text: str) -> None:
    try:
        scope = parse_scope(text)
    except MalformedScope:
        return
    assert all(character in _CHARACTERS for token in scope for character in token)
    assert "" not in scope
