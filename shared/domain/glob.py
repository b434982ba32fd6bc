"""Patterns on text that somebody else chose, matched in time linear in that text.

`*` is any run without `/` and `:`, `**` any run at all; everything else stands for itself.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

_SEPARATORS = "/:"
_STARS = re.compile(r"(\*+)")


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether the pattern matches the whole text.

    All the ways to match are followed at once, one bit for each count of the pattern's literal
    characters that are behind us: nothing is ever tried again, so no text can make it slow.
    """
    literals, segment_loops, loops = _read(pattern)
    counts = 1
    for character in text:
        stay = loops if character in _SEPARATORS else loops | segment_loops
        counts = (counts & literals.get(character, 0)) << 1 | counts & stay
        if not counts:
            return False
    return bool(counts >> len(pattern.replace("*", "")))


def _read(pattern: str) -> tuple[Mapping[str, int], int, int]:
    """Give the counts after which each character comes, a `*` is, and a `**` is, as bits."""
    literals: defaultdict[str, int] = defaultdict(int)
    segment_loops = loops = 0
    here = 1
    for piece in _STARS.split(pattern):
        if piece == "*":
            segment_loops |= here
        elif piece.startswith("**"):
            loops |= here
        else:
            for character in piece:
                literals[character] |= here
                here <<= 1
    return literals, segment_loops, loops
