"""The challenge of a passkey, good once, for five minutes and for one session. Pure.

It holds its own time and an HMAC over that and the session, so nothing is kept of it. Once a
passkey was used, no challenge from before that is good for it (the repository asks).
"""

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.domain.refused import Refused

_GOOD_FOR = timedelta(minutes=5)
_NONCE, _TIME = 16, 8  # octets; behind them the HMAC
_LONGEST_NAME = 60


class Purpose(StrEnum):
    REGISTER = "register"
    SIGN_IN = "sign in"
    STEP_UP = "step up"


class PasskeyRefused(Refused):
    """What the browser sent proves nothing; in these words whatever was wrong."""

    def __init__(self) -> None:
        super().__init__("the passkey was not recognised: try again")


def challenge(key: bytes, purpose: Purpose, session: str, nonce: bytes, now: datetime) -> bytes:
    stamped = nonce + int(now.timestamp() * 1_000_000).to_bytes(_TIME, "big")
    return stamped + _mac(key, purpose, session, stamped)


def made_at(
    key: bytes, purpose: Purpose, session: str, presented: bytes, now: datetime
) -> datetime:
    """Give when this challenge of ours was made. Raises PasskeyRefused."""
    stamped, mac = presented[: _NONCE + _TIME], presented[_NONCE + _TIME :]
    if not hmac.compare_digest(_mac(key, purpose, session, stamped), mac):
        raise PasskeyRefused
    made = datetime.fromtimestamp(int.from_bytes(stamped[_NONCE:], "big") / 1_000_000, UTC)
    if not now - _GOOD_FOR < made <= now:
        raise PasskeyRefused
    return made


def name_of(text: str) -> str:
    """Give the name that its owner knows the passkey by."""
    shown = "".join(each for each in text if each.isprintable()).strip()
    return shown[:_LONGEST_NAME] or "Passkey"


def _mac(key: bytes, purpose: Purpose, session: str, stamped: bytes) -> bytes:
    return hmac.digest(key, f"{purpose}|{session}|".encode() + stamped, "sha256")
