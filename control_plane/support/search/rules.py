"""What somebody has typed into support's one field, told by its shape. Pure."""

import re
from enum import StrEnum
from uuid import UUID

import msgspec

MOST = 1_000  # that a search gives, of each kind


class Kind(StrEnum):
    """What it may be; each has a look-up of its own."""

    SLUG = "slug"  # its beginning
    NAME = "account's name"  # its beginning
    EMAIL = "member's e-mail address"  # its beginning
    TENANT = "tenant id"
    ACCOUNT = "account id"
    CUSTOMER = "Stripe customer"
    CLIENT = "client id"
    REQUEST = "request id"
    TOKEN = "token's jti"


# An id may look like a slug too, never the other way round: what is tried is all that it may be.
_IDS = (
    (Kind.CUSTOMER, re.compile(r"cus_[0-9A-Za-z_]+")),
    (Kind.ACCOUNT, re.compile(r"a_[0-9a-f]{16}|operator")),
    (Kind.CLIENT, re.compile(r"c_[0-9A-Za-z]{16}")),
    (Kind.REQUEST, re.compile(r"[0-9a-f]{16}")),
    (Kind.TENANT, re.compile(r"[a-z2-7]{13}")),
)
_WORDS = (Kind.SLUG, Kind.NAME, Kind.EMAIL)


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An account, with one of its tenants: only what is needed to choose."""

    account_id: str
    account_name: str
    plan: str
    slug: str | None  # None: the account has none, or it is deleted and long ago let go
    environment: str | None
    status: str | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one thing is that has an id of its own: a client, a refusal, a token."""

    kind: Kind
    id: str
    account_id: str
    account_name: str
    plan: str
    slug: str
    environment: str
    status: str

    @property
    def path(self) -> str:
        """The page that has it opened."""
        part = {Kind.CLIENT: "clients", Kind.REQUEST: "refusals", Kind.TOKEN: "tokens"}[self.kind]
        return f"/support/accounts/{self.account_id}/tenants/{self.slug}/{part}/{self.id}"


def kinds_of(typed: str) -> tuple[Kind, ...]:
    """Say as what it is to be looked for; nothing where nothing was typed."""
    if not typed:
        return ()
    if as_token_id(typed) is not None:
        return (Kind.TOKEN,)
    if "@" in typed:
        return (Kind.EMAIL,)
    ids = tuple(kind for kind, pattern in _IDS if pattern.fullmatch(typed))
    return (*ids, *_WORDS)


def as_token_id(typed: str) -> UUID | None:
    """Read a jti, with its hyphens or without; a request id is half as long."""
    try:
        return UUID(typed)
    except ValueError:
        return None
