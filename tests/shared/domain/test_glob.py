"""Patterns, against a slow reading of the same words, and against hostile text."""

import re
import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.glob import glob_matches

TraceFunction: TypeAlias = Callable[[FrameType, str, Any], Any]

_LONG = 64 * 1024
_FEW = st.text("ab/:*", max_size=12)


def slowly(pattern: str, text: str) -> bool:
    """Try every way to match, as the words say it."""
    if not pattern:
        return not text
    if pattern.startswith("**"):
        rest = pattern.lstrip("*")
        return any(slowly(rest, text[end:]) for end in range(len(text) + 1))
    if pattern.startswith("*"):
        run = re.match(r"[^/:]*", text, re.DOTALL)
        assert run is not None
        return any(slowly(pattern[1:], text[end:]) for end in range(run.end() + 1))
    return text[:1] == pattern[0] and slowly(pattern[1:], text[1:])


@given(pattern=_FEW, text=st.text("ab/:*", max_size=10))
def test_it_matches_what_the_words_say(pattern: str, text: str) -> None:
    assert glob_matches(pattern, text) == slowly(pattern, text)


@given(text=st.text())
def test_text_without_a_star_matches_itself_alone(text: str) -> None:
    literal = text.replace("*", "")
    assert glob_matches(literal, literal)
    assert not glob_matches(literal, f"{literal}x")
    assert not glob_matches(literal, f"x{literal}")


@given(text=st.text())
def test_two_stars_match_anything(text: str) -> None:
    assert glob_matches("**", text)
    assert glob_matches("*", text) == (not {"/", ":"} & set(text))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("octo/app", "octo/app", True),
        ("octo/app", "Octo/app", False),
        ("octo/app", "octo/app2", False),
        ("octo/app", "octo/app\n", False),
        ("octo/*", "octo/app", True),
        ("octo/*", "octo/", True),
        ("octo/*", "octo/app/x", False),
        ("octo/*", "octo/a:x", False),
        ("octo/**", "octo/app/x:y", True),
        ("repo:octo/*:ref:refs/heads/**", "repo:octo/app:ref:refs/heads/a/b", True),
        ("repo:octo/*:ref:**", "repo:octo/evil:ref/app:ref:main", False),
        ("refs/tags/v*", "refs/tags/v1.2", True),
        ("*a*b", "xaxb", True),
        ("**a*b", "a/ab", True),
        ("***", "a/b:c", True),
        ("a**b", "ab", True),
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "a\nb", True),
        (".*", "xyz", False),
        ("[a-z]+", "abc", False),
        ("[a-z]+", "[a-z]+", True),
        ("a|b", "a", False),
        ("(a", "(a", True),
        ("a\\", "a\\", True),
        ("a?c", "abc", False),
        ("^a$", "a", False),
        ("é*", "é1", True),
    ],
)
def test_examples(pattern: str, text: str, *, expected: bool) -> None:
    assert glob_matches(pattern, text) is expected


def steps_of(pattern: str, text: str) -> int:
    """Count the lines of the matcher that run: its work, whatever the machine."""
    steps = 0

    def count(frame: FrameType, event: str, _: object) -> TraceFunction:
        nonlocal steps
        steps += event == "line"
        del frame
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        assert not glob_matches(pattern, text)
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        pytest.param("*a" * 50 + "b", "a", id="50-stars"),
        pytest.param("**a" * 50 + "b", "a", id="50-double-stars"),
        pytest.param("**a*/" * 25 + "b", "aa/", id="mixed"),
        pytest.param("*" * 255 + "b", "a", id="only-stars"),
        pytest.param("**" + "a" * 253 + "b", "a", id="long-literal"),
    ],
)
def test_hostile_text_costs_a_few_steps_for_each_character(pattern: str, unit: str) -> None:
    lengths = (1024, 4096, _LONG)
    steps = [steps_of(pattern, (unit * length)[:length]) for length in lengths]
    assert steps[-1] > _LONG  # it read to the end
    for (short, few), (long, many) in pairwise(zip(lengths, steps, strict=True)):
        assert many - few <= 6 * (long - short)
