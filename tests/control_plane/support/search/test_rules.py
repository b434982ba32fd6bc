"""What somebody typed is told by its shape."""

import pytest

from control_plane.support.search.rules import Kind, kinds_of

_WORDS = (Kind.SLUG, Kind.NAME, Kind.EMAIL)


@pytest.mark.parametrize(
    ("typed", "kinds"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param("acme", _WORDS, id="a word"),
        pytest.param("Acme Ltd", _WORDS, id="a name"),
        pytest.param("ada@", (Kind.EMAIL,), id="the beginning of an address"),
        pytest.param("cus_Q1w2", (Kind.CUSTOMER, *_WORDS), id="a customer"),
        pytest.param("a_0123456789abcdef", (Kind.ACCOUNT, *_WORDS), id="an account"),
        pytest.param("operator", (Kind.ACCOUNT, *_WORDS), id="our own account"),
        pytest.param("c_0123456789abcDEF", (Kind.CLIENT, *_WORDS), id="a client"),
        pytest.param("c_0123", _WORDS, id="a piece of a client id"),
        pytest.param("0123456789abcdef", (Kind.REQUEST, *_WORDS), id="a request, or a slug"),
        pytest.param("abcdefghijk27", (Kind.TENANT, *_WORDS), id="a tenant id, or a slug"),
        pytest.param("01930000-0000-7000-8000-000000000000", (Kind.TOKEN,), id="a jti"),
    ],
)
def test_a_shape_says_as_what_it_is_looked_for(typed: str, kinds: tuple[Kind, ...]) -> None:
    assert kinds_of(typed) == kinds
