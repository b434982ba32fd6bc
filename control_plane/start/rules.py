"""What is suggested at the start, and what the first requests say about themselves. Pure."""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from control_plane.apis.rules import NewApi
from control_plane.clients.rules import NewClient
from control_plane.usage.fixes import fix_of
from control_plane.usage.rules import LogEntry
from shared.domain.issuer import MAXIMUM_SLUG, MINIMUM_SLUG, MalformedSlug, parse_slug

FIRST_CLIENT = "my-first-service"
_LIFETIME = 3600  # seconds, of the first API's tokens
_TEST = "-test"
_MOST_FAILURES = 3


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    entry: LogEntry
    fix: str


class FirstUse(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to see while one waits for the first token."""

    issued: LogEntry | None
    failures: list[Failure]


def suggested_slug(account_name: str, number: int = 1) -> str:
    """Make a slug of the account's name; another for each number, since it may be taken."""
    ending = _TEST if number == 1 else f"{_TEST}-{number}"
    plain = unicodedata.normalize("NFKD", account_name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "my"
    slug = words[: MAXIMUM_SLUG - len(ending)].strip("-") + ending
    try:
        return parse_slug(slug)
    except MalformedSlug:
        return f"my-{slug}"[:MAXIMUM_SLUG].strip("-")


def first_api(slug: str) -> NewApi:
    return NewApi(
        identifier=f"https://api.{slug}.example",
        name="My first API",
        scopes={"read": "Read", "write": "Change"},
        token_lifetime=_LIFETIME,
    )


def first_client(api: str) -> NewClient:
    return NewClient(name=FIRST_CLIENT, apis=(api,))


def first_use(entries: Sequence[LogEntry]) -> FirstUse:
    """Say whether a token was issued, and what went wrong lately; `entries` are newest first."""
    issued = [each for each in entries if each.event == "issued"]
    refused = [each for each in entries if each.event == "refused"][:_MOST_FAILURES]
    return FirstUse(
        issued=issued[-1] if issued else None,
        failures=[Failure(entry=each, fix=fix_of(each.error)) for each in refused],
    )


SLUG_HINT = f"{MINIMUM_SLUG} to {MAXIMUM_SLUG} characters: a-z, 0-9 and single hyphens."
