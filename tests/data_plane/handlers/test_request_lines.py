"""The line of a request: whose it was and which trace it belongs to, and nothing presented."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from shared.runtime.config import read_config
from tests.conftest import free_port, wait_until_answered
from tests.support import Installation, basic_header, make_tenant, opened, post_raw

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_PATIENCE = 60.0  # seconds
GRANT = {"grant_type": "client_credentials"}


class Logged(msgspec.Struct, frozen=True):
    url: str
    path: Path
    process: subprocess.Popen[bytes]

    def lines(self) -> dict[str, dict[str, Any]]:
        """End the server, and give its lines of requests by their id."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_PATIENCE)
        lines = [json.loads(each) for each in self.path.read_text().splitlines()]
        return {each["request_id"]: each for each in lines if each["event"] == "request"}


@pytest.fixture
def logged(installation: Installation, tmp_path: Path) -> Iterator[Logged]:
    port, path = free_port(), tmp_path / "stderr"
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        **installation.environment(url),
        "DATABASE_URL": installation.data_url,
        "BIND_ADDRESS": f"127.0.0.1:{port}",
        "DRAIN_DELAY": "0",
        "LOG_LEVEL": "INFO",
    }
    with path.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "control_plane.cli.main", "serve", "data"],
            env=environment,
            stderr=stderr,
        )
        try:
            wait_until_answered(f"{url}/readyz", process)
            yield Logged(url, path, process)
        finally:
            process.terminate()
            process.wait(_PATIENCE)


async def test_a_line_names_the_client_the_trace_and_the_error_and_no_secret(
    http: httpx.AsyncClient, installation: Installation, logged: Logged
) -> None:
    async with opened(installation.control_url) as database:
        tenant = await make_tenant(database, read_config(installation.environment(logged.url)))
    good = basic_header(*tenant.basic) | {"traceparent": f"00-{_TRACE}-b7ad6b7169203331-01"}
    client_id, client_secret = tenant.basic
    url, ids = tenant.token_endpoint, {}
    for name, form, headers in (
        ("first", GRANT, good),
        ("again", GRANT, good),
        ("wrong scope", GRANT | {"scope": "no"}, good),
        ("wrong secret", GRANT, basic_header(client_id, "as_cs_canary")),
        ("swapped", GRANT, basic_header(client_secret, client_id)),
        ("malformed trace", GRANT, basic_header(*tenant.basic) | {"traceparent": "00-zz-1"}),
    ):
        answer = await http.post(url, data=form, headers=headers)
        ids[name] = answer.headers["x-request-id"]
    await post_raw(http, f"{tenant.issuer}/nowhere", "")
    lines = logged.lines()
    assert len(lines) == 7
    seen = {name: lines[each] for name, each in ids.items()}
    for name in ("first", "again"):
        assert (seen[name]["client_id"], seen[name]["trace_id"]) == (client_id, _TRACE)
        assert (seen[name]["status"], seen[name]["slug"]) == (200, tenant.slug)
        assert seen[name]["ms"] > 0
    assert (seen["wrong scope"]["error"], seen["wrong scope"]["client_id"]) == (
        "invalid_scope",
        client_id,
    )
    assert (seen["wrong secret"]["error"], seen["wrong secret"]["client_id"]) == (
        "invalid_client",
        client_id,
    )
    assert "client_id" not in seen["swapped"], "it may be a secret"
    assert "trace_id" not in seen["malformed trace"]
    text = logged.path.read_text()
    assert client_secret not in text
    assert "canary" not in text


async def test_a_line_is_the_same_by_a_lane_and_by_the_application(
    http: httpx.AsyncClient, installation: Installation, logged: Logged
) -> None:
    """The last of each, which closes its connection, is in no lane."""
    async with opened(installation.control_url) as database:
        tenant = await make_tenant(database, read_config(installation.environment(logged.url)))
    token = (await http.post(tenant.token_endpoint, data=GRANT, auth=tenant.basic)).json()
    form = {"token": token["access_token"]}
    good = basic_header(*tenant.basic) | {"traceparent": f"00-{_TRACE}-b7ad6b7169203331-01"}
    well_known, ids = f"{tenant.issuer}/.well-known", list[list[str]]()
    for method, url, data, headers in (
        ("POST", f"{tenant.issuer}/oauth/introspect", form, good),
        ("GET", f"{well_known}/jwks.json", None, good),
        ("HEAD", f"{well_known}/openid-configuration", None, {}),
        ("GET", f"{well_known}/revocations", None, {"If-None-Match": "*"}),
    ):
        asked = [headers] * 3 + [headers | {"Connection": "close"}]
        answers = [await http.request(method, url, data=data, headers=each) for each in asked]
        ids.append([each.headers["x-request-id"] for each in answers])
    lines = logged.lines()
    for each in ids:
        same = [{**lines[name], "time": "", "ms": 0, "request_id": ""} for name in each]
        assert same == same[:1] * 4
    assert lines[ids[0][0]]["trace_id"] == _TRACE
    assert tenant.client.client_secret not in (text := logged.path.read_text())
    assert token["access_token"] not in text
