"""What the forms of workload rules say, and the JWT of a dry run. Pure.

Each reader raises InvalidWorkload; of pasted keys InvalidKeySet.
"""

import inspect
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.domain.pasted_keys import read_pasted_keys
from shared.domain.workload import InvalidWorkload, WorkloadRule, check_workload_rule
from shared.domain.workload_presets import PRESETS

OWN = "own"  # the form for an issuer that has no preset
LONGEST_JWT = 100_000  # characters

PRESET_NAMES = {
    "github": "GitHub Actions",
    "gitlab": "GitLab CI",
    "kubernetes": "Kubernetes",
    "google": "Google Cloud",
    "azure": "Azure",
    "spiffe": "SPIFFE",
    OWN: "Another issuer",
}
# what a preset takes -> its label and an example
_WORDS = {
    "name": ("Name of the rule", "deploy"),
    "issuer": ("Issuer", "https://…"),
    "audience": ("Audience", ""),
    "repository": ("Repository", "acme/app"),
    "repository_id": ("Repository's number, which no renaming changes", "123456789"),
    "environment": ("Deployment environment", "production"),
    "project": ("Project", "acme/app"),
    "project_id": ("Project's number, which no renaming changes", "12345678"),
    "ref": ("Branch, or refs/tags/…", "main"),
    "namespace": ("Namespace", "default"),
    "service_account": ("Service account: its name, or Google's e-mail or number", "deployer"),
    "azure_tenant": ("Directory (tenant) id", "00000000-0000-…"),
    "object_id": ("Object id of the identity", "00000000-0000-…"),
    "app_id": ("Application id", "00000000-0000-…"),
    "token_version": ("Version of its tokens: 1 or 2", "2"),
    "trust_domain": ("Trust domain", "example.org"),
    "path": ("Path of the SPIFFE ID, a pattern", "/ns/*/sa/deployer"),
}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a preset's form."""

    name: str
    label: str
    example: str
    required: bool


def parts_of(preset: str) -> list[Part]:
    """Name the fields of a preset's form, as its function takes them: the needed ones first."""
    known = inspect.signature(_MAKERS[preset]).parameters.values()
    parts = [
        Part(
            name=each.name,
            label=_WORDS[each.name][0],
            example=_WORDS[each.name][1],
            required=each.default is each.empty,
        )
        for each in known
    ]
    return sorted(parts, key=lambda part: not part.required)


def read_rule(preset: str, fields: Mapping[str, str]) -> WorkloadRule:
    """Make the rule of a form, with its further claims and keys."""
    made = _MAKERS[preset](**_given(preset, fields))
    keys = fields.get("keys", "").strip()
    rule = msgspec.structs.replace(
        made,
        claims=made.claims | _claims(fields.get("claims", "")),
        jwks=read_pasted_keys(keys) if keys else (),
    )
    check_workload_rule(rule)
    return rule


def read_claims(text: str) -> dict[str, Any]:
    """Read a JWT, or a JSON object that stands for its claims. Nothing is verified."""
    text = text.strip()
    try:
        claims = json.loads(text if text.startswith("{") else _claims_part(text))
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict) or len(text) > LONGEST_JWT:
        raise InvalidWorkload("This is neither a JWT nor a JSON object of claims.")
    return claims


def _claims_part(jwt: str) -> bytes:
    _, claims, _ = jwt.split(".")
    return urlsafe_b64decode(claims + "=" * (-len(claims) % 4))


def _own(name: str, *, issuer: str, audience: str | None = None) -> WorkloadRule:
    return WorkloadRule(name=name, issuer=issuer, claims={}, audience=audience)


_MAKERS = {**PRESETS, OWN: _own}


def _given(preset: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Give what was typed; a preset's own defaults stand where nothing was."""
    given: dict[str, Any] = {}
    for part in parts_of(preset):
        text = fields.get(part.name, "").strip()
        if text:
            given[part.name] = _version(text) if part.name == "token_version" else text
        elif part.required:
            raise InvalidWorkload(f"the rule needs: {part.label.lower()}")
    return given


def _version(text: str) -> int:
    return int(text) if text in {"1", "2"} else 0  # which the preset refuses


def _claims(text: str) -> dict[str, str]:
    """Read claim=pattern on each line."""
    claims: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, pattern = line.partition("=")
        if not equals:
            raise InvalidWorkload("write each further claim as claim=pattern, on a line of its own")
        claims[name.strip()] = pattern.strip()
    return claims
