"""Where a command's configuration comes from: the environment, then what `dev` left in its folder.

`dev` writes the file `environment` into its data directory, so that the other commands find the
running product. A variable that is set in the environment always wins.
"""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from shared.runtime.config import FIELDS, Config, ConfigError, read_config, text_of

DEFAULT_DATA_DIR = Path(".auth-service")
_FILE = "environment"


class Login(StrEnum):
    """As whom the database is spoken to, and the variable of the file that has that login's URL."""

    OWNER = "DATABASE_URL"
    CONTROL = "CONTROL_DATABASE_URL"
    DATA = "DATA_DATABASE_URL"
    SUPPORT = "SUPPORT_DATABASE_URL"


def load_config(data_dir: Path, login: Login) -> Config:
    """Raises ConfigError."""
    try:
        return read_config(environment_of(data_dir, login))
    except ConfigError as error:
        hint = "does `auth-service dev` run with another --data-dir?"
        raise ConfigError(f"{error} ({hint})") from error


def environment_of(data_dir: Path, login: Login) -> dict[str, str]:
    """Give the environment of a process that speaks to the database as this login."""
    kept = read_kept(data_dir)
    if any(name in os.environ for name in (Login.OWNER, f"{Login.OWNER}_FILE")):
        kept = {name: value for name, value in kept.items() if name not in set(Login)}
    elif login in kept:
        kept[Login.OWNER] = kept[login]
    given = {name.removesuffix("_FILE") for name in os.environ}
    return {name: kept[name] for name in kept if name not in given} | dict(os.environ)


def given_settings() -> dict[str, str]:
    """Read what the environment says; whatever it does not, `dev` chooses. Raises ConfigError."""
    try:
        texts = {name: text_of(os.environ, name) for name in FIELDS}
    except (ValueError, OSError) as error:
        raise ConfigError(str(error)) from error
    return {name: text for name, text in texts.items() if text is not None}


def read_kept(data_dir: Path) -> dict[str, str]:
    """Read what `dev` keeps; empty where it has not run."""
    try:
        lines = (data_dir / _FILE).read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def write_kept(data_dir: Path, values: Mapping[str, str]) -> None:
    header = (
        "# Written by `auth-service dev`. Keep it with the database: it opens the signing keys.\n"
    )
    # a value is one line here; JSON, which may have several, means the same without their ends
    lines = (f"{name}={' '.join(value.splitlines())}\n" for name, value in values.items())
    text = header + "".join(lines)
    write_secret_file(data_dir / _FILE, text)


def write_secret_file(path: Path, text: str) -> None:
    """Replace the file in one step; nobody else may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def new_key() -> str:
    return urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
