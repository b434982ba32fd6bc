"""What an account may look like. Pure."""

from shared.domain.name import NAME_RULE, is_name
from shared.domain.refused import Refused


class InvalidAccount(Refused):
    """The account cannot be made so; the message says why."""


def check_name(name: str) -> None:
    if not is_name(name):
        raise InvalidAccount(NAME_RULE)
