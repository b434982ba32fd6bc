"""The npm half: its packages installed once, its scripts asked by one JSON object each."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from tests.interop.issuers import LiveIssuer

NPM = Path(__file__).parent / "npm"
_OLDEST_NODE = 20  # the first whose fetch and WebCrypto the libraries take for granted
_PACKAGES = "oauth4webapi, openid-client, jose and simple-oauth2 (npm) were not run"

Result: TypeAlias = dict[str, Any]


class Node:
    """Runs the scripts of the folder `npm`."""

    def ask(
        self, script: str, action: str, live: LiveIssuer, parameters: dict[str, str], **more: str
    ) -> Result:
        """Have a script do one of its actions against the issuer, and give what it found."""
        question = {
            "action": action,
            "issuer": live.issuer,
            "audience": live.audience,
            "client_id": live.client_id,
            "client_secret": live.client_secret,
            "alg": live.algorithm,
            "typ": live.typ,
            "parameters": parameters,
        }
        done = subprocess.run(
            ["node", script],
            input=msgspec.json.encode(question | more),
            cwd=NPM,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        result: Result = msgspec.json.decode(done.stdout)
        return result


def skip_without_node(packages: str = _PACKAGES) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"Node is not installed here: {packages}")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    major = int(version.stdout.removeprefix("v").partition(".")[0])
    if major < _OLDEST_NODE:
        pytest.skip(f"Node {major} is older than {_OLDEST_NODE}: {packages}")


def install(folder: Path = NPM) -> None:
    """Install what the folder's lock file names; nothing when that is what is installed."""
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".installed-from"
    wanted = sha256(lock.read_bytes()).hexdigest()
    with _one_at_a_time(lock):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode != 0:
            pytest.fail(f"npm ci in {folder} failed:\n{done.stderr}", pytrace=False)
        stamp.write_text(wanted)


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Hold the lock file's own lock, so that parallel test processes install once."""
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def expect_claims(claims: Result, live: LiveIssuer, *, scope: str) -> None:
    """What every library has to find in a token, whichever way it came."""
    assert (claims["iss"], claims["aud"]) == (live.issuer, live.audience)
    assert claims["sub"] == claims["client_id"] == claims["azp"] == live.client_id
    assert claims["scope"] == scope


def expect_challenge(refused: Result, live: LiveIssuer) -> None:
    """What oauth4webapi, and openid-client above it, make of our 401: the challenge it carries."""
    assert (refused["name"], refused["status"]) == ("WWWAuthenticateChallengeError", 401)
    assert refused["cause"] == [{"scheme": "basic", "parameters": {"realm": live.issuer}}]
    assert refused["body"]["error"] == "invalid_client"
