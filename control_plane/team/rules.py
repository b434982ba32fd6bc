"""How many people an account may have, and for how long an invitation is good. Pure."""

from datetime import timedelta

from control_plane.members.rules import Role, RoleRefused
from shared.domain.limits import Enforcement
from shared.domain.plan import HeldLimits, counts_of
from shared.domain.refused import Refused

INVITED_FOR = timedelta(days=7)


class SeatsTaken(Refused):
    """The account has as many people, with those who are invited, as it may."""


class InvitationRefused(Refused):
    """The invitation cannot be made or accepted so; the message says why."""


class UnknownMember(Refused):
    """The account has no such member, or no such invitation."""


def read_role(text: str) -> Role:
    """Raises RoleRefused."""
    try:
        return Role(text)
    except ValueError:
        raise RoleRefused("there is no such role") from None


def seats_of(account: HeldLimits) -> int | None:
    """Say how many people the account may have; None where nothing bounds it."""
    counts = counts_of(account)
    return None if counts is None or account.enforcement is Enforcement.OBSERVE else counts.members


def check_seat(seats: int | None, taken: int) -> None:
    """Raises SeatsTaken."""
    if seats is not None and taken >= seats:
        raise SeatsTaken(
            f"the account has room for {seats} {'member' if seats == 1 else 'members'}, with those"
            " who are invited: change the plan, or remove someone first"
        )
