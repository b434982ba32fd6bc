"""Workload identity: which JWTs of outside issuers stand for a client (RFC 7523 section 3).

Only `iss`, `aud` and the patterns are looked at here; time and signature are others' business.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec

from shared.domain.client_jwk import ClientJwk
from shared.domain.glob import glob_matches
from shared.domain.name import NAME_RULE, is_name
from shared.domain.refused import Refused

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
GOOGLE = "https://accounts.google.com"

MAXIMUM_ISSUER = 512
_MAXIMUM_CLAIMS, _MAXIMUM_KEYS = 10, 20
_MAXIMUM_TEXT = 256  # of a claim's name, a pattern, an audience
_ISSUER = re.compile(r"https?://[A-Za-z0-9\-._~%!$&'()*+,;=:/\[\]]+")
_POINTER = re.compile(r"(/([^/~]|~[01])*)+")

# Everybody has tokens of these: a rule has to say whose, in one of these claims, or it trusts the
# world. `sub` is not among GitHub's and GitLab's: a project chooses what stands in its own.
_OWNER_CLAIMS = {
    GITHUB: {"repository", "repository_id", "repository_owner", "repository_owner_id"},
    GITLAB: {"project_path", "project_id", "namespace_path", "namespace_id"},
    GOOGLE: {"sub", "email"},
}
_NO_PATTERN = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})  # they pin nobody down
_SHOWN, _SHOWN_LENGTH = 5, 80  # values in a reason, and characters of each


class InvalidWorkload(Refused):
    """The rule cannot be kept so; the message says why."""


class WorkloadRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JWT of this issuer whose claims match every pattern proves the client."""

    name: str
    issuer: str
    claims: dict[str, str]  # claim, or JSON Pointer to a nested one (RFC 6901) -> glob pattern
    audience: str | None = None  # None: the tenant's own issuer URL
    jwks: tuple[ClientJwk, ...] = ()  # none: found through the issuer's metadata


class Match(msgspec.Struct, frozen=True):
    rule: str  # its name


class Mismatch(msgspec.Struct, frozen=True):
    """Why not, for the tenant's own people and never for the wire: it quotes the claims."""

    rule: str
    reason: str


WorkloadOutcome: TypeAlias = Match | Mismatch


def match_workload(
    rule: WorkloadRule, claims: Mapping[str, object], issuer_url: str
) -> WorkloadOutcome:
    """Match a JWT's claims; `issuer_url` is the tenant's own. The first mismatch is told."""
    reason = next(_mismatches(rule, claims, issuer_url), None)
    return Match(rule.name) if reason is None else Mismatch(rule.name, reason)


def _mismatches(rule: WorkloadRule, claims: Mapping[str, object], issuer_url: str) -> Iterator[str]:
    if claims.get("iss") != rule.issuer:
        yield f"the issuer is {_shown(claims.get('iss'))}, and the rule's is {rule.issuer}"
    audience = issuer_url if rule.audience is None else rule.audience
    presented = claims.get("aud")
    if audience not in (presented if isinstance(presented, list) else [presented]):
        yield f"the audience is {_shown(presented)}, and the rule's is {audience}"
    if not rule.claims:
        yield "the rule has no patterns"
    for name, pattern in rule.claims.items():
        value = _claim(claims, name)
        if not any(glob_matches(pattern, text) for text in _texts(value)):
            yield f"the claim {name} is {_shown(value)}, and the pattern is {pattern}"


def _claim(claims: Mapping[str, object], name: str) -> object:
    """Give the claim's value, or None where there is none."""
    if not name.startswith("/"):
        return claims.get(name)
    found: object = claims
    for part in name[1:].split("/"):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part.replace("~1", "/").replace("~0", "~"))
    return found


def _texts(value: object) -> list[str]:
    """Give what patterns are matched with: the value, or each member of an array."""
    members = value if isinstance(value, list) else [value]
    return [text for member in members if (text := _text(member)) is not None]


def _text(value: object) -> str | None:
    """Give the JSON text of a boolean or an integer; no pattern matches other things."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() <= 64:  # noqa: PLR2004 - no id is longer
            return str(value)
        case _:
            return None


def _shown(value: object) -> str:
    """Quote it for a terminal: short, and in ASCII without control characters."""
    if value is None:
        return "absent"
    texts = [ascii(text[:_SHOWN_LENGTH]) for text in _texts(value)[:_SHOWN]]
    return " or ".join(texts) or "no text, number or boolean"


def check_workload_rule(rule: WorkloadRule) -> None:
    """Refuse a rule that is malformed, or that pins down nobody. Raises InvalidWorkload."""
    if not is_name(rule.name):
        raise InvalidWorkload(NAME_RULE)
    _check_issuer(rule.issuer)
    if rule.audience is not None and not _is_text(rule.audience):
        raise InvalidWorkload(f"an audience is 1 to {_MAXIMUM_TEXT} printable characters")
    if len(rule.jwks) > _MAXIMUM_KEYS:
        raise InvalidWorkload(f"a rule has at most {_MAXIMUM_KEYS} keys")
    if not 1 <= len(rule.claims) <= _MAXIMUM_CLAIMS:
        raise InvalidWorkload(f"a rule has a pattern for 1 to {_MAXIMUM_CLAIMS} claims")
    for name, pattern in rule.claims.items():
        _check_pattern(name, pattern)
    _check_pins(rule)


def _check_issuer(issuer: str) -> None:
    if len(issuer) > MAXIMUM_ISSUER or not _ISSUER.fullmatch(issuer):
        raise InvalidWorkload(
            f"an issuer is a URL of at most {MAXIMUM_ISSUER} characters, without ?, # and @"
        )
    try:
        host = urlsplit(issuer).hostname
    except ValueError:
        host = None
    if not host:
        raise InvalidWorkload("the issuer's URL has no host")
    if not issuer.startswith("https://") and not _is_loopback(host):
        raise InvalidWorkload("an issuer is an https URL; http is for this machine only")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_pattern(name: str, pattern: str) -> None:
    if not _is_text(name) or not _is_text(pattern):
        raise InvalidWorkload(
            f"a claim's name and its pattern are each 1 to {_MAXIMUM_TEXT} printable characters"
        )
    if name.startswith("/") and not _POINTER.fullmatch(name):
        raise InvalidWorkload(f"{name} is no JSON Pointer: write ~0 for ~ and ~1 for /")
    if name.removeprefix("/") in _NO_PATTERN:
        raise InvalidWorkload(f"the claim {name} takes no pattern: it does not say who it is")


def _check_pins(rule: WorkloadRule) -> None:
    if not any(any(map(str.isalnum, pattern)) for pattern in rule.claims.values()):
        raise InvalidWorkload("the patterns match everybody: one must hold a letter or a digit")
    owner_claims = _OWNER_CLAIMS.get(rule.issuer)
    if owner_claims is not None and not any(
        _names_an_owner(rule.claims.get(claim, "*")) for claim in owner_claims
    ):
        raise InvalidWorkload(
            f"everybody has tokens of {rule.issuer}: a rule says whose, without a * before the "
            f"first /, in one of the claims {', '.join(sorted(owner_claims))}"
        )


def _names_an_owner(pattern: str) -> bool:
    return "*" not in pattern.partition("/")[0]


def _is_text(text: str) -> bool:
    return 1 <= len(text) <= _MAXIMUM_TEXT and text.isprintable()
