"""The environment, read once into one frozen struct; the start is refused when it is wrong.

Each variable NAME may also be given as NAME_FILE, the path of a file that holds its value.
The README's table of variables is held against FIELDS by a test.
"""

import hmac
import os
import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from shared.domain.client import MAXIMUM_TOKEN_LIFETIME, MINIMUM_TOKEN_LIFETIME
from shared.domain.operator_key import OperatorKey, read_operator_keys
from shared.domain.outbound_url import Network
from shared.domain.refused import Refused
from shared.runtime.config_values import (
    between,
    database_url,
    directory,
    host_and_port,
    host_names,
    log_level,
    mail_from,
    networks,
    origin,
    redis_url,
    smtp_url,
    stripe_key,
    webhook_secrets,
)

LOCAL_SMTP = "smtp://127.0.0.1:25"  # where SMTP_URL is not given
STRIPE = "https://api.stripe.com"
_KEY_BYTES = 32
_PORT = re.compile(r":\d*$")


class ConfigError(Refused):
    """The configuration is wrong; the message names each variable and never holds a secret."""


class Key(msgspec.Struct, frozen=True):
    """A symmetric key of 32 bytes and the id by which what it made is recognised."""

    octets: bytes

    @property
    def key_id(self) -> str:
        return sha256(b"key id" + self.octets).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"Key({self.key_id})"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    database_url: str
    master_keys: tuple[Key, ...]  # seal signing keys; all open, the first seals
    secret_peppers: tuple[Key, ...]  # digest client secrets; all read, the first writes
    public_url: str
    console_url: str  # public_url where it is not given
    operator_keys: tuple[OperatorKey, ...] = ()  # verify signed requests (RFC 9421)
    bind_address: tuple[str, int] = ("0.0.0.0", 8080)  # noqa: S104 - a server is meant to be reached
    workers: int = 1
    drain_delay: int = 5  # seconds served on after SIGTERM, until balancers have heard of it
    token_ttl: int = 3600  # seconds, of an API that names no lifetime
    log_level: str = "INFO"
    outbound_networks: tuple[Network, ...] = ()  # may be fetched from, although private
    trusted_proxies: tuple[Network, ...] = ()  # believed in what they say of the caller
    spool_dir: Path = Path("/var/lib/auth-service/spool")  # of records the database cannot take
    spool_limit: int = 256 * 2**20  # octets
    ledger_days: int = 365
    allowed_hosts: tuple[str, ...] = ()  # names the server has besides that of public_url
    redis_url: str | None = None  # where workers and machines share limits and sessions
    console_bind_address: tuple[str, int] = ("0.0.0.0", 8081)  # noqa: S104 - as bind_address
    support_url: str  # console_url where it is not given
    support_bind_address: tuple[str, int] = ("0.0.0.0", 8082)  # noqa: S104 - as bind_address
    smtp_url: str = LOCAL_SMTP
    mail_from: str = "auth-service <auth-service@localhost>"
    support_email: str | None = None  # whom a suspended account is told to write to
    stripe_api_key: str | None = None  # None: nothing is sold here
    stripe_webhook_secrets: tuple[str, ...] = ()  # all are accepted
    stripe_api_base: str = STRIPE

    @property
    def own_hosts(self) -> frozenset[str]:
        """The names, in lower case and without a port, whose forms the data plane answers."""
        # cut from the text: urlsplit takes the brackets off an IPv6 address
        name = _PORT.sub("", self.public_url.partition("://")[2]).lower()
        return frozenset({name, *self.allowed_hosts})

    @property
    def audit_keys(self) -> tuple[Key, ...]:
        """What the audit log is chained under: one for each master key, the first writes."""
        return tuple(
            Key(hmac.digest(each.octets, b"audit log", "sha256")) for each in self.master_keys
        )

    def __repr__(self) -> str:
        return f"Config(public_url={self.public_url!r})"  # the rest is secret


def read_config(environment: Mapping[str, str]) -> Config:
    """Read and check everything at once, so that one start names all that is wrong."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, (field, parse, required) in FIELDS.items():
        try:
            text = text_of(environment, name)
            if text is not None:
                values[field] = parse(text)
            elif required:
                problems.append(f"{name} is missing")
        except (ValueError, OSError) as error:
            problems.append(f"{name}: {error}")
    problems += _missing_beside(values)
    if problems:
        raise ConfigError("; ".join(problems))
    values.setdefault("console_url", values["public_url"])
    values.setdefault("support_url", values["console_url"])
    return Config(**values)


def _missing_beside(values: Mapping[str, object]) -> list[str]:
    """Name what is needed because of something else that is given."""
    if "stripe_api_key" in values and "stripe_webhook_secrets" not in values:
        return ["STRIPE_WEBHOOK_SECRET is missing: STRIPE_API_KEY is given"]
    return []


def read_process_config() -> Config:
    return read_config(os.environ)


def workers_share_counters() -> bool:
    """Tell whether `serve` has given the workers a place to count into (prometheus_client's)."""
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ


def text_of(environment: Mapping[str, str], name: str) -> str | None:
    """Give the variable's value, or that of the file that NAME_FILE names; None where neither is.

    Raises ValueError or OSError.
    """
    path = environment.get(f"{name}_FILE")
    if path and environment.get(name):
        raise ValueError(f"give {name} or {name}_FILE, not both")
    if path:
        try:
            return Path(path).read_text().strip()
        except UnicodeDecodeError:
            raise ValueError("the file is not text") from None
    return environment.get(name) or None


def _keys(text: str) -> tuple[Key, ...]:
    return tuple(_key(part.strip()) for part in text.split(","))


def _key(text: str) -> Key:
    try:
        octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        octets = b""
    if len(octets) != _KEY_BYTES:
        raise ValueError("must be 32 random bytes in base64url, or several with commas between")
    return Key(octets)


# variable -> (field of Config, its reader, whether it must be given)
FIELDS: Mapping[str, tuple[str, Callable[[str], Any], bool]] = {
    "DATABASE_URL": ("database_url", database_url, True),
    "REDIS_URL": ("redis_url", redis_url, False),
    "MASTER_KEY": ("master_keys", _keys, True),
    "SECRET_PEPPER": ("secret_peppers", _keys, True),
    "PUBLIC_URL": ("public_url", origin, True),
    "CONSOLE_URL": ("console_url", origin, False),
    "OPERATOR_KEYS": ("operator_keys", read_operator_keys, False),
    "BIND_ADDRESS": ("bind_address", host_and_port, False),
    "CONSOLE_BIND_ADDRESS": ("console_bind_address", host_and_port, False),
    "SUPPORT_URL": ("support_url", origin, False),
    "SUPPORT_BIND_ADDRESS": ("support_bind_address", host_and_port, False),
    "SMTP_URL": ("smtp_url", smtp_url, False),
    "MAIL_FROM": ("mail_from", mail_from, False),
    "SUPPORT_EMAIL": ("support_email", mail_from, False),
    "STRIPE_API_KEY": ("stripe_api_key", stripe_key, False),
    "STRIPE_WEBHOOK_SECRET": ("stripe_webhook_secrets", webhook_secrets, False),
    "STRIPE_API_BASE": ("stripe_api_base", origin, False),
    "WORKERS": ("workers", between(1, 256), False),
    "DRAIN_DELAY": ("drain_delay", between(0, 60), False),
    "TOKEN_TTL": ("token_ttl", between(MINIMUM_TOKEN_LIFETIME, MAXIMUM_TOKEN_LIFETIME), False),
    "ALLOWED_HOSTS": ("allowed_hosts", host_names, False),
    "LEDGER_DAYS": ("ledger_days", between(1, 3650), False),
    "SPOOL_DIR": ("spool_dir", directory, False),
    "SPOOL_LIMIT": ("spool_limit", between(2**16, 2**40), False),
    "LOG_LEVEL": ("log_level", log_level, False),
    "TRUSTED_PROXIES": ("trusted_proxies", networks, False),
    "OUTBOUND_NETWORKS": ("outbound_networks", networks, False),
}
