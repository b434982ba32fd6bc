"""Which secrets a client may hold together, and when it is between two of them. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import chain, count

import msgspec

from shared.domain.client import MAXIMUM_LIVE_SECRETS, AuthMethod
from shared.domain.management import OPERATOR
from shared.domain.name import NAME_RULE, is_name
from shared.domain.refused import Refused

FIRST = "first"  # the name of the secret that a client is registered with
MAXIMUM_EXPIRY = 2 * 365 * 24 * 3600  # seconds
MAXIMUM_OVERLAP = 7 * 24 * 3600  # seconds


class SecretRefused(Refused):
    """The client's secrets cannot be changed so; the message says why."""


class LastSecret(SecretRefused):
    """It is the last one that the client can prove itself by."""


class AskedSecret(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""  # empty: the day's date
    expires_in: int | None = None  # seconds; None: it does not expire
    created_by: str = OPERATOR


class KeptSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret as it may be shown: without itself and its digest."""

    name: str
    last_four: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    replaced_by: str | None  # in an open rotation, the name of the secret that is to stay
    used_at: datetime | None  # to the minute or so; None: never
    used_from: str | None  # address


def check_expiry(seconds: int | None) -> None:
    if seconds is not None and not 1 <= seconds <= MAXIMUM_EXPIRY:
        raise SecretRefused(f"a secret expires in 1 to {MAXIMUM_EXPIRY} seconds, or never")


def check_overlap(seconds: int) -> None:
    if not 0 <= seconds <= MAXIMUM_OVERLAP:
        raise SecretRefused(f"secrets overlap for 0 to {MAXIMUM_OVERLAP} seconds")


def check_method(method: AuthMethod) -> None:
    if method is not AuthMethod.CLIENT_SECRET:
        raise SecretRefused(f"the client proves itself by {method}: it has no secrets")


def check_room(held: Sequence[KeptSecret]) -> None:
    """`held` are live ones, here and below."""
    if len(held) >= MAXIMUM_LIVE_SECRETS:
        raise SecretRefused(
            f"a client has at most {MAXIMUM_LIVE_SECRETS} live secrets: "
            "revoke one, or let one expire first"
        )


def choose_name(held: Sequence[KeptSecret], asked: str, today: date) -> str:
    """Give the asked name, or where none is asked the first free one of the day.

    The name of an open rotation's new secret is taken even when that secret is gone: cancelling
    goes by it.
    """
    taken = {each.name for each in held} | {each.replaced_by for each in held}
    if not asked:
        numbered = (f"{today}-{number}" for number in count(2))
        return next(each for each in chain([f"{today}"], numbered) if each not in taken)
    if not is_name(asked):
        raise SecretRefused(NAME_RULE)
    if asked in taken:
        raise SecretRefused("the client has a secret of this name")
    return asked


def check_revocable(held: Sequence[KeptSecret], name: str, *, even_last: bool) -> None:
    if [each.name for each in held] == [name] and not even_last:
        raise LastSecret("it is the client's last live secret: without it the client gets no token")


def check_no_rotation(held: Sequence[KeptSecret]) -> None:
    if _replaced(held):
        raise SecretRefused("a rotation of the client's secrets is open: finish or cancel it first")


def ended_by_finishing(held: Sequence[KeptSecret]) -> list[str]:
    """Name the secrets that the open rotation replaces."""
    replaced = _open(held)
    if len(replaced) == len(held):
        raise SecretRefused(
            "the new secret of the rotation is gone, and finishing would leave the client none: "
            "cancel the rotation, or add a secret first"
        )
    return [each.name for each in replaced]


def ended_by_cancelling(held: Sequence[KeptSecret]) -> list[str]:
    """Name the new secret of the open rotation; none where it is gone already."""
    new = {each.replaced_by for each in _open(held)}
    return [each.name for each in held if each.name in new]


def _open(held: Sequence[KeptSecret]) -> list[KeptSecret]:
    replaced = _replaced(held)
    if not replaced:
        raise SecretRefused("no rotation of the client's secrets is open")
    return replaced


def _replaced(held: Sequence[KeptSecret]) -> list[KeptSecret]:
    return [each for each in held if each.replaced_by is not None]
