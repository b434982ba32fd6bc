"""What an e-mail address and a password may be. Pure."""

import re
from enum import StrEnum

from shared.domain.refused import Refused

# One @, something on both sides, a dot in the domain: whether it is real, the mail tells.
_EMAIL = re.compile(
    r"[^@\s\x00-\x1f\x7f\"(),:;<>\[\]\\]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?\.[a-z]{2,63}"
)
_LEAST, _MOST = 12, 128  # characters; NIST SP 800-63B section 3.1.1.2
_FEWEST_DIFFERENT = 5


class LinkPurpose(StrEnum):
    VERIFY = "verify"
    RESET = "reset"


class InvalidEmail(Refused):
    """The text is no e-mail address."""


class WeakPassword(Refused):
    """The password cannot be taken; the message says why."""


def normal_email(text: str) -> str:
    """Give the address as it is kept and compared: in lower case. Raises InvalidEmail."""
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email) or ".." in email:
        raise InvalidEmail("this is not an e-mail address")
    return email


def check_password(password: str, email: str) -> None:
    """Raises WeakPassword. No rule about kinds of characters: they make passwords worse."""
    if not _LEAST <= len(password) <= _MOST:
        raise WeakPassword(f"a password has {_LEAST} to {_MOST} characters")
    if len(set(password)) < _FEWEST_DIFFERENT:
        raise WeakPassword("a password needs more different characters")
    name = email.partition("@")[0]
    if name in password.lower() and len(password) - len(name) < _LEAST:
        raise WeakPassword("a password is not the e-mail address with something behind it")
