"""Ours beside npm's oidc-provider: the same requests; every difference has a reason in the table.

The status and the wire code `error` are compared, never the texts.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from shared.runtime.config import read_config
from tests.hostile.differential.requests import Credentials, Sent, every_request
from tests.interop.node import install, skip_without_node
from tests.support import MadeTenant, Server, make_tenant, opened

_HERE = Path(__file__).parent
_NPM, _TABLE = _HERE / "npm", _HERE / "differences.md"
_AT_LEAST = 120  # requests


@pytest.fixture(scope="module")
def acme(server: Server) -> MadeTenant:
    async def make() -> MadeTenant:
        async with opened(server.installation.control_url) as database:
            config = read_config(server.installation.environment(server.url))
            return await make_tenant(database, config)

    return asyncio.run(make())


@pytest.fixture(scope="module")
def credentials(acme: MadeTenant) -> Credentials:
    return Credentials(*acme.basic, acme.audience)


@pytest.fixture(scope="module")
def theirs(credentials: Credentials) -> Iterator[str]:
    """Give the URL of an oidc-provider that knows our client; it ends with its standard input."""
    skip_without_node("the differential run against oidc-provider (npm) was left out")
    install(_NPM)
    process = subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=_NPM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it warns of everything that only a test leaves out
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(credentials) + b"\n")
        process.stdin.flush()
        url = process.stdout.readline().decode().strip()
        assert url, "oidc-provider did not start"
        yield url


@pytest.mark.timeout(600)
def test_every_difference_from_oidc_provider_is_explained_and_still_there(
    acme: MadeTenant, theirs: str, credentials: Credentials
) -> None:
    requests = every_request(credentials)
    assert len({each.id for each in requests}) == len(requests) >= _AT_LEAST
    fresh = httpx.Limits(max_keepalive_connections=0)  # theirs closes what it kept, unannounced
    with httpx.Client(timeout=60, limits=fresh) as client:
        both = {
            each.id: (_ask(client, acme.issuer, each), _ask(client, theirs, each))
            for each in requests
        }
    found = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
    assert found == _explained()


def _ask(client: httpx.Client, issuer: str, sent: Sent) -> str:
    """Give the status, and the wire code where the answer has one: `400 invalid_request`."""
    answer = client.request(
        sent.method, f"{issuer}/{sent.path}", headers=list(sent.headers), content=sent.body
    )
    try:
        found = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        found = None
    error = found.get("error", "") if isinstance(found, dict) else ""
    return f"{answer.status_code} {error}".strip()


def _explained() -> dict[str, tuple[str, str]]:
    """Read the table: id -> (ours, theirs). A row without a reason explains nothing."""
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in _TABLE.read_text().splitlines()
        if line.startswith("| `")
    ]
    assert all(len(row) == 4 and row[3] for row in rows)
    found = {row[0].strip("`"): (row[1], row[2]) for row in rows}
    assert len(found) == len(rows), "a request stands in the table twice"
    return found
