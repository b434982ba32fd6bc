"""Scope, RFC 6749 section 3.3: a space-separated set of case-sensitive tokens."""

import re
from typing import TypeAlias

from shared.domain.refused import Refused

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")

Scope: TypeAlias = frozenset[str]


class MalformedScope(Refused):
    """The text is not a list of scope-tokens."""


def parse_scope(text: str) -> Scope:
    tokens = text.split(" ")
    if not all(_SCOPE_TOKEN.fullmatch(token) for token in tokens):
        raise MalformedScope('a scope is made of printable ASCII without space, " and \\')
    return frozenset(tokens)


def format_scope(scope: Scope) -> str:
    return " ".join(sorted(scope))
