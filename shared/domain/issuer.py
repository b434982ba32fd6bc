"""The issuer URL of a tenant and the slug that is its last part (RFC 8414 section 2)."""

import re

from shared.domain.refused import Refused

MINIMUM_SLUG, MAXIMUM_SLUG = 3, 40
SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])"
_SLUG = re.compile(SLUG_PATTERN)

# Names that a reader of the URL, or a later release, could take for something of ours.
# fmt: off
_RESERVED = frozenset({
    "admin", "api", "app", "assets", "auth", "billing", "console", "control", "dashboard", "docs",
    "health", "help", "internal", "ledger", "login", "metrics", "oauth", "public", "root",
    "signup", "staff", "static", "status", "support", "system", "www",
})
# fmt: on


class MalformedSlug(Refused):
    """The slug cannot be a part of an issuer URL; the message says why."""


def parse_slug(text: str) -> str:
    if not _SLUG.fullmatch(text) or "--" in text:
        raise MalformedSlug(
            f"a slug has {MINIMUM_SLUG} to {MAXIMUM_SLUG} characters of a-z, 0-9 and single "
            "hyphens, and starts and ends with a letter or digit"
        )
    if text in _RESERVED or text.startswith("pg-"):
        raise MalformedSlug(f"the slug {text!r} is reserved")
    return text


def issuer_url(public_url: str, slug: str) -> str:
    """Give the `iss` of a tenant. `public_url` has no trailing slash."""
    return f"{public_url}/t/{slug}"
