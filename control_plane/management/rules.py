"""What an API key may look like: a client of the built-in tenant, bound to an account. Pure."""

from control_plane.apis.rules import NewApi
from control_plane.clients.rules import NewClient
from shared.domain.management import MANAGEMENT_SCOPES, management_audience
from shared.domain.scope import Scope

_TOKEN_LIFETIME = 600  # seconds


def management_api(console_url: str) -> NewApi:
    return NewApi(
        identifier=management_audience(console_url),
        name="Management API",
        scopes=dict(MANAGEMENT_SCOPES),
        token_lifetime=_TOKEN_LIFETIME,
    )


def new_key(name: str, scopes: Scope, console_url: str) -> NewClient:
    return NewClient(name=name, apis=(management_audience(console_url),), scopes=scopes)
