"""The readers of the configuration's values: each gives what a text means, or says what it must be.

None repeats the text: it may be a secret. All raise ValueError.
"""

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from shared.domain.outbound_url import Network, read_networks

_STRIPE_KEY = re.compile(r"[sr]k_(live|test)_[A-Za-z0-9_]+")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]+")
_HOST_AND_PORT = re.compile(r"(.+):(\d{1,5})")
_HIGHEST_PORT = 65535
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-_\[\]:]+")
_HOST_NAME = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def database_url(text: str) -> str:
    if _split(text).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must start with postgresql://")
    return text


def redis_url(text: str) -> str:
    if _split(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must start with redis://, rediss:// or unix://")
    if find_spec("redis") is None:
        raise ValueError("needs the extra: pip install 'auth-service[redis]'")
    return text


def origin(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https URL")
    if not _ORIGIN.fullmatch(text):
        raise ValueError("must be a bare origin, without path, trailing slash or user")
    return text


def _split(text: str) -> SplitResult:
    """Split a URL; the library's own words could repeat a password."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # read only here is it checked
    except ValueError:
        parts = None
    if parts is None:
        raise ValueError("is not a URL")
    return parts


def host_and_port(text: str) -> tuple[str, int]:
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or int(match[2]) > _HIGHEST_PORT:
        raise ValueError("must be HOST:PORT")
    return match[1], int(match[2])


def smtp_url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("must start with smtp:// or smtps:// and name a host")
    return text


def mail_from(text: str) -> str:
    if not text.isprintable() or "@" not in text:
        raise ValueError("must be an e-mail address, or `Name <address>`")
    return text


def stripe_key(text: str) -> str:
    if not _STRIPE_KEY.fullmatch(text):
        raise ValueError("must be a secret or restricted key of Stripe, sk_… or rk_…")
    return text


def webhook_secrets(text: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in text.split(","))
    if not all(_WEBHOOK_SECRET.fullmatch(each) for each in secrets):
        raise ValueError("must be whsec_…, or several with commas between")
    return secrets


def between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def directory(text: str) -> Path:
    if not Path(text).is_absolute():
        raise ValueError("must be an absolute path")
    return Path(text)


def log_level(text: str) -> str:
    if text.upper() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}")
    return text.upper()


def networks(text: str) -> tuple[Network, ...]:
    try:
        return read_networks(text)
    except ValueError:
        raise ValueError("must be networks such as 10.1.0.0/16, with commas between") from None


def host_names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip().lower() for part in text.split(","))
    if not all(_HOST_NAME.fullmatch(name) for name in names):
        raise ValueError("must be host names without ports, with commas between")
    return names
