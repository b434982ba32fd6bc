"""A client's own claims: what may be one, and what never gets into a token."""

from typing import Any

import msgspec
import pytest

from shared.domain.static_claims import (
    REGISTERED,
    InvalidStaticClaims,
    check_static_claims,
    without_registered,
)


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"tier": "gold", "https://acme.example/roles": ["a", "b"], "n": -5, "on": True, "no": None},
        {"nested": {"a": {"b": [1, 2**53 - 1]}}},
        {"deep": nested(5)},
        {f"c{number}": number for number in range(20)},
        {"x" * 64: "\N{SNOWMAN}"},
    ],
)
def test_what_may_be_claimed_comes_back_as_json(contents: dict[str, Any]) -> None:
    encoded = check_static_claims(contents)
    assert msgspec.json.decode(encoded) == contents
    assert without_registered(encoded) == encoded


@pytest.mark.parametrize(
    "name", [pytest.param(each, id=f"D16-{each}") for each in sorted(REGISTERED)]
)
def test_a_registered_name_is_refused_and_ignored_in_data(name: str) -> None:
    with pytest.raises(InvalidStaticClaims):
        check_static_claims({name: "x"})
    stored = msgspec.json.encode({name: "x", "tier": "gold"})
    assert without_registered(stored) == b'{"tier":"gold"}'
    assert without_registered(msgspec.json.encode({name: "x"})) == b"{}"


def test_d16_a_name_that_is_escaped_is_the_same_name() -> None:
    assert without_registered(b'{"\\u0069ss": "evil", "a": 1}') == b'{"a":1}'


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param({"": 1}, id="no-name"),
        pytest.param({"x" * 65: 1}, id="long-name"),
        pytest.param({"a b": 1}, id="space"),
        pytest.param({"a\0": 1}, id="NUL"),
        pytest.param({"caf\xe9": 1}, id="not-ascii"),
        pytest.param({f"c{number}": 1 for number in range(21)}, id="many"),
        pytest.param({"a": "x" * 2048}, id="large"),
        pytest.param({"a": 1.5}, id="fraction"),
        pytest.param({"a": float("nan")}, id="not-a-number"),
        pytest.param({"a": 2**53}, id="large-number"),
        pytest.param({"a": {"b": 10**400}}, id="huge-number-inside"),
        pytest.param({"a": {1: 2}}, id="name-a-number"),
        pytest.param({"a": b"x"}, id="bytes"),
        pytest.param({"a": nested(6)}, id="deep"),
        pytest.param({"a": nested(5000)}, id="very-deep"),
        pytest.param({"a": "\ud800"}, id="surrogate"),
    ],
)
def test_what_not_every_reader_reads_alike_is_refused(contents: dict[str, Any]) -> None:
    with pytest.raises(InvalidStaticClaims):
        check_static_claims(contents)


def test_values_stay_as_they_are_written() -> None:
    assert without_registered(b'{"a": 1e400, "iss": 1}') == b'{"a":1e400}'
