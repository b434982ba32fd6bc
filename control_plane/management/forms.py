"""What the form of a new API key says. Pure."""

from collections.abc import Mapping

from control_plane.management.rules import DAY, NewApiKey
from shared.domain.management import MANAGEMENT_SCOPES

SCOPE, TENANT = "scope:", "tenant:"  # what the names of their boxes begin with
EXPIRIES = {30 * DAY: "in 30 days", 90 * DAY: "in 90 days", 365 * DAY: "in a year"}
_NO_EXPIRY = 0  # nothing was chosen, which the rules refuse


def ticked(fields: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    """Give what is ticked of one kind."""
    return tuple(sorted(name.removeprefix(prefix) for name in fields if name.startswith(prefix)))


def new_key(fields: Mapping[str, str], account_id: str) -> NewApiKey:
    """Read a new key; no tenant that is ticked means all."""
    expires = fields.get("expires", "")
    return NewApiKey(
        account=account_id,
        name=fields.get("name", "").strip(),
        scopes=frozenset(ticked(fields, SCOPE)) & MANAGEMENT_SCOPES.keys(),
        tenants=ticked(fields, TENANT),
        expires_in=next((each for each in EXPIRIES if str(each) == expires), _NO_EXPIRY),
    )
