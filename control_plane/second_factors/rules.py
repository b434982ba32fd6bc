"""Codes of a second factor: of an authenticator app (RFC 6238), and for when it is lost.

Codes come from a secret that is random, so this reaches for randomness and for nothing else.
"""

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO

import pyotp
import segno

from shared.domain.refused import Refused

STEP = 30  # seconds
_DRIFT = (0, -1, 1)  # steps that a clock may be off
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_CODES, _GROUPS, _GROUP = 10, 4, 4  # 79 bits each: a fast digest is enough


class CodeRefused(Refused):
    """The code is not right, or was used before; in these words whichever it was."""

    def __init__(self) -> None:
        super().__init__("this code is not right, or was used already")


def new_secret() -> str:
    return pyotp.random_base32()


def uri_of(secret: str, email: str) -> str:
    """Give what an authenticator app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="auth-service")


def picture_of(secret: str, email: str) -> bytes:
    """Draw it, as SVG."""
    drawing = BytesIO()
    segno.make(uri_of(secret, email), error="m").save(
        drawing, kind="svg", scale=5, border=4, dark="#000", light="#fff"
    )
    return drawing.getvalue()


def code_at(secret: str, step: int) -> str:
    return pyotp.TOTP(secret).generate_otp(step)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Give the step whose code it is, if it is one of about now."""
    about = int(now.timestamp()) // STEP
    presented = _plain(code).encode()
    for drift in _DRIFT:
        if hmac.compare_digest(code_at(secret, about + drift).encode(), presented):
            return about + drift
    return None


def new_recovery_codes() -> list[str]:
    return [_recovery_code() for _ in range(_CODES)]


def digest_of_code(code: str, pepper: bytes) -> str:
    return hmac.digest(pepper, b"recovery code:" + _plain(code).encode(), "sha256").hex()


def digests_of_code(code: str, peppers: Iterable[bytes]) -> list[str]:
    """Give what may be kept of a code: under the pepper that writes now, or one from before."""
    return [digest_of_code(code, pepper) for pepper in peppers]


def _recovery_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _plain(code: str) -> str:
    """Take out what people put in for reading's sake."""
    return code.replace("-", "").replace(" ", "").strip().lower()
