"""What an API key may look like: a client of the built-in tenant, bound to an account. Pure."""

from datetime import datetime

import msgspec

from control_plane.apis.rules import NewApi
from control_plane.clients.rules import NewClient
from shared.domain.ids import ClientId
from shared.domain.management import MANAGEMENT_SCOPES, OPERATOR, management_audience
from shared.domain.name import NAME_RULE, is_name
from shared.domain.refused import Refused
from shared.domain.scope import Scope

MAXIMUM_KEYS = 50  # of an account
DAY = 24 * 3600  # seconds
MAXIMUM_EXPIRY = 365 * DAY
_TOKEN_LIFETIME = 600  # seconds


class ApiKeyRefused(Refused):
    """The API key cannot be made so; the message says why."""


class NewApiKey(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    name: str
    scopes: Scope
    tenants: tuple[str, ...] = ()  # slugs, where it is not for all of the account's
    expires_in: int = MAXIMUM_EXPIRY  # seconds


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it may be shown: without its secret."""

    client_id: ClientId
    account: str
    name: str
    enabled: bool
    scopes: list[str]
    tenants: list[str]  # empty: all of the account's
    last_four: str  # of the secret
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None  # when a token was last asked for, to the minute or so
    used_from: str | None  # address

    def has_ended(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def management_api(console_url: str) -> NewApi:
    return NewApi(
        identifier=management_audience(console_url),
        name="Management API",
        scopes=dict(MANAGEMENT_SCOPES),
        token_lifetime=_TOKEN_LIFETIME,
    )


def check_new_key(new: NewApiKey) -> None:
    """Raises ApiKeyRefused."""
    if not is_name(new.name):
        raise ApiKeyRefused(NAME_RULE)
    if not new.scopes:
        raise ApiKeyRefused("choose at least one scope: a key without any may do nothing")
    if unknown := sorted(new.scopes - MANAGEMENT_SCOPES.keys()):
        raise ApiKeyRefused(f"there is no scope {' '.join(unknown)}")
    if not 1 <= new.expires_in <= MAXIMUM_EXPIRY:
        raise ApiKeyRefused(f"an API key expires in 1 to {MAXIMUM_EXPIRY} seconds: a year at most")


def check_room(account: str, held: int) -> None:
    """Raises ApiKeyRefused. Whoever runs the installation is not bounded."""
    if held >= MAXIMUM_KEYS and account != OPERATOR:
        raise ApiKeyRefused(
            f"an account has at most {MAXIMUM_KEYS} API keys: revoke one that is not used"
        )


def client_of(new: NewApiKey, console_url: str) -> NewClient:
    """Give the client of the built-in tenant that the key is."""
    return NewClient(name=new.name, apis=(management_audience(console_url),), scopes=new.scopes)
