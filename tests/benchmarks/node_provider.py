"""node-oidc-provider, from npm: in memory, so that it records nothing of what it issues."""

from pathlib import Path
from typing import Any

import msgspec

from control_plane.benchmark.processes import Program
from shared.domain.jwk import Algorithm
from tests.benchmarks.peers import Ask, PeerKind, Prepared, audience_of, new_credentials
from tests.benchmarks.tools import done, once, require, run

_NPM = Path(__file__).parent / "npm"
_STAMP = _NPM / "node_modules" / ".installed-from"


def prepare(port: int, environment: dict[str, str]) -> Prepared:
    require("node", "npm")
    lock = (_NPM / "package-lock.json").read_text()
    if once(_STAMP, lock):
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", directory=_NPM)
        done(_STAMP, lock)
    client_id, client_secret = new_credentials()
    asked: dict[str, Any] = {
        "port": port,
        "client_id": client_id,
        "client_secret": client_secret,
        "algorithms": {audience_of(each): each.value for each in Algorithm},
    }
    environment |= {"NODE_ENV": "production", "BENCH_PEER": msgspec.json.encode(asked).decode()}
    return Prepared(
        version=_version(),
        program=Program(
            name="node-oidc-provider",
            arguments=("node", "provider.mjs"),
            environment=environment,
            port=port,
            ready_path="/jwks",
            directory=_NPM,
        ),
        asks={each: _ask(port, each, (client_id, client_secret)) for each in Algorithm},
    )


def _ask(port: int, algorithm: Algorithm, basic: tuple[str, str]) -> Ask:
    audience = audience_of(algorithm)
    return Ask(
        path="/token",
        basic=basic,
        form={
            "grant_type": "client_credentials",
            "scope": "read write",
            "resource": audience,
        },
        audience=audience,
        issuer=f"http://127.0.0.1:{port}",
        jwks_path="/jwks",
    )


def _version() -> str:
    found = msgspec.json.decode((_NPM / "node_modules/oidc-provider/package.json").read_bytes())
    node = run("node", "--version", directory=_NPM).strip()
    return f"{found['version']} (Node {node.removeprefix('v')})"


NODE_PROVIDER = PeerKind(
    name="node-oidc-provider",
    how="in memory, one process, NODE_ENV=production",
    prepare=prepare,
    long_set_up=False,
)
