"""What the forms of APIs say. Pure; each raises InvalidApi."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from control_plane.apis.rules import ApiChange, InvalidApi, NewApi
from shared.domain.client import TokenProfile
from shared.domain.jwk import Algorithm

SCOPE = "scope:"  # what the name of a scope's box begins with
_MOST_DIGITS = 9

Choice = TypeVar("Choice", bound=StrEnum)


def new_api(fields: Mapping[str, str]) -> NewApi:
    identifier, name = _text(fields, "identifier"), _text(fields, "name")
    return NewApi(
        identifier=identifier,
        name=name or identifier[:100],
        scopes=_scopes(fields.get("scopes", "")),
        token_lifetime=_seconds(fields),
        algorithm=_chosen(fields, "algorithm", Algorithm),
        profile=_chosen(fields, "profile", TokenProfile),
    )


def changed_api(fields: Mapping[str, str]) -> ApiChange:
    """Read everything but the scopes, which have forms of their own."""
    return ApiChange(
        name=_text(fields, "name"),
        token_lifetime=_seconds(fields),
        algorithm=_chosen(fields, "algorithm", Algorithm),
        profile=_chosen(fields, "profile", TokenProfile),
    )


def described_scope(fields: Mapping[str, str]) -> dict[str, str]:
    """Read a scope and its description."""
    return {_text(fields, "scope"): _text(fields, "description")}


def ticked_scopes(fields: Mapping[str, str]) -> list[str]:
    return sorted(name.removeprefix(SCOPE) for name in fields if name.startswith(SCOPE))


def _scopes(text: str) -> dict[str, str]:
    """Read a scope on each line, with what it allows behind it."""
    scopes: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        scope, _, description = line.partition(" ")
        if scope in scopes:
            raise InvalidApi(f"scope {scope!r} is there twice")
        scopes[scope] = description.strip()
    return scopes


def _seconds(fields: Mapping[str, str]) -> int:
    text = _text(fields, "lifetime")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise InvalidApi("a token's lifetime is a whole number of seconds")
    return int(text)


def _chosen(fields: Mapping[str, str], name: str, choice: type[Choice]) -> Choice:
    try:
        return choice(_text(fields, name))
    except ValueError:
        raise InvalidApi(f"the {name} is one of {', '.join(choice)}") from None


def _text(fields: Mapping[str, str], name: str) -> str:
    return fields.get(name, "").strip()
