"""Ory Hydra, from the Go module proxy: built here, with its database in memory.

Its secrets are hashed as it does by default. Its RSA keys have 4,096 bits where ours have 2,048,
and one key signs all that it issues; so it is measured with ES256.
"""

import http.client
from secrets import token_hex

import msgspec

from control_plane.benchmark.processes import Program
from control_plane.benchmark.starts import free_port
from shared.domain.jwk import Algorithm
from tests.benchmarks.peers import (
    CACHE,
    Absent,
    Ask,
    PeerKind,
    Prepared,
    audience_of,
    new_credentials,
)
from tests.benchmarks.tools import done, once, require, run

_MODULE, _VERSION = "github.com/ory/hydra/v2", "v2.3.0"
# its own go.mod replaces this one; a module that uses it has to say so again
_REPLACED = "github.com/gobuffalo/pop/v6=github.com/ory/pop/v6@v6.2.1-0.20241121111754-e5dfc0f3344b"
_TAGS = "sqlite,sqlite_omit_load_extension,json1"
_FOLDER = CACHE / "hydra"
_CREATED = 201
_AUDIENCE = audience_of(Algorithm.ES256)


def prepare(port: int, environment: dict[str, str]) -> Prepared:
    require("go", "cc")
    if once(_FOLDER / "version", _VERSION):
        _install()
        done(_FOLDER / "version", _VERSION)
    admin, (client_id, secret) = free_port(), new_credentials()
    _FOLDER.joinpath("hydra.json").write_bytes(msgspec.json.encode(_settings(port, admin)))

    def prepare_issuer() -> None:
        _post(admin, "/admin/clients", _client(client_id, secret))
        key = {"alg": "ES256", "use": "sig", "kid": token_hex(8)}
        _post(admin, "/admin/keys/hydra.jwt.access-token", key)

    return Prepared(
        version=_VERSION.removeprefix("v"),
        program=Program(
            name="Ory Hydra",
            arguments=(
                str(_FOLDER / "hydra"),
                *("serve", "all", "--dev", "--sqa-opt-out", "--config", "hydra.json"),
            ),
            environment=environment | {"GOMAXPROCS": "1"},
            port=port,
            ready_path="/health/ready",
            directory=_FOLDER,
        ),
        asks={Algorithm.ES256: _ask(port, (client_id, secret))},
        prepare_issuer=prepare_issuer,
    )


def _install() -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    for left in ("go.mod", "go.sum"):
        (_FOLDER / left).unlink(missing_ok=True)
    run("go", "mod", "init", "peer", directory=_FOLDER)
    run("go", "mod", "edit", "-replace", _REPLACED, directory=_FOLDER)
    run("go", "get", "-tool", f"{_MODULE}@{_VERSION}", directory=_FOLDER)
    run("go", "build", "-tags", _TAGS, "-o", "hydra", _MODULE, directory=_FOLDER)


def _settings(port: int, admin: int) -> dict[str, object]:
    return {
        "dsn": "memory",
        "log": {"level": "error"},
        "serve": {
            "public": {"host": "127.0.0.1", "port": port},
            "admin": {"host": "127.0.0.1", "port": admin},
        },
        "urls": {"self": {"issuer": f"http://127.0.0.1:{port}"}},
        "secrets": {"system": [token_hex(16)]},
        "strategies": {"access_token": "jwt"},
    }


def _client(client_id: str, secret: str) -> dict[str, object]:
    return {
        "client_id": client_id,
        "client_secret": secret,
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "read write",
        "audience": [_AUDIENCE],
        "access_token_strategy": "jwt",
    }


def _ask(port: int, basic: tuple[str, str]) -> Ask:
    form = {"grant_type": "client_credentials", "scope": "read write", "audience": _AUDIENCE}
    return Ask(
        path="/oauth2/token",
        basic=basic,
        form=form,
        audience=_AUDIENCE,
        issuer=f"http://127.0.0.1:{port}",
        jwks_path="/.well-known/jwks.json",
    )


def _post(port: int, path: str, body: object) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status != _CREATED:
        raise Absent(f"it refused {path}: {answer.status} {said[:200]!r}")


HYDRA = PeerKind(
    name="Ory Hydra",
    how="dsn memory (SQLite), its default hash of secrets, one core",
    prepare=prepare,
    long_set_up=True,
)
