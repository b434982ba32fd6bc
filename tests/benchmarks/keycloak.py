"""Keycloak, from Maven Central: its production start, with its database in memory."""

import zipfile
from typing import Any

import msgspec

from control_plane.benchmark.processes import Program
from shared.domain.jwk import Algorithm
from tests.benchmarks.peers import (
    CACHE,
    Ask,
    PeerKind,
    Prepared,
    audience_of,
    new_credentials,
)
from tests.benchmarks.tools import done, once, require, run

_VERSION = "26.7.3"
_FOLDER = CACHE / "keycloak"
_HOME = _FOLDER / f"keycloak-{_VERSION}"
_ARTIFACT = "org.keycloak:keycloak-quarkus-dist"
_PATIENCE = 240.0  # seconds; on one core it starts in half a minute, on a busy one in two
_REALM = "/realms/bench"
_KEYS: dict[str, dict[str, list[str]]] = {
    "rsa-generated": {"keySize": ["2048"], "algorithm": ["RS256"]},
    "ecdsa-generated": {"ecdsaEllipticCurveKey": ["P-256"]},
    "eddsa-generated": {"eddsaEllipticCurveKey": ["Ed25519"]},
}


def prepare(port: int, environment: dict[str, str]) -> Prepared:
    require("mvn", "java")
    if once(_FOLDER / "version", _VERSION):
        _install()
        done(_FOLDER / "version", _VERSION)
    client_id, secret = new_credentials()
    imported = _HOME / "data/import"
    imported.mkdir(parents=True, exist_ok=True)
    (imported / "bench-realm.json").write_bytes(msgspec.json.encode(_realm(client_id, secret)))
    java = run("java", "--version", directory=_HOME).splitlines()[0]
    return Prepared(
        version=f"{_VERSION} ({java})",
        program=Program(
            name="Keycloak",
            arguments=(
                *(str(_HOME / "bin/kc.sh"), "start", "--optimized", "--import-realm"),
                *("--http-enabled=true", "--hostname-strict=false"),
                *("--http-host=127.0.0.1", f"--http-port={port}"),
            ),
            environment=environment,
            port=port,
            ready_path=_REALM,
            patience=_PATIENCE,
        ),
        asks={
            each: Ask(
                path=f"{_REALM}/protocol/openid-connect/token",
                basic=(_client_of(client_id, each), secret),
                form={"grant_type": "client_credentials", "scope": "read write"},
                audience=audience_of(each),
                issuer=f"http://127.0.0.1:{port}{_REALM}",
                jwks_path=f"{_REALM}/protocol/openid-connect/certs",
            )
            for each in Algorithm
        },
        rounds_of_warmth=30,
    )


def _install() -> None:
    """Fetch and unpack it, and have it compile its configuration, which takes a minute."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    run(
        *("mvn", "--quiet", "--batch-mode", "dependency:copy"),
        *(f"-Dartifact={_ARTIFACT}:{_VERSION}:zip", f"-DoutputDirectory={_FOLDER}"),
        directory=_FOLDER,
    )
    with zipfile.ZipFile(_FOLDER / f"keycloak-quarkus-dist-{_VERSION}.zip") as file:
        file.extractall(_FOLDER)
    run("sh", "-c", "chmod +x bin/*.sh && bin/kc.sh build --db=dev-mem", directory=_HOME)


def _client_of(client_id: str, algorithm: Algorithm) -> str:
    return f"{client_id}-{algorithm.value.lower()}"


def _realm(client_id: str, secret: str) -> dict[str, Any]:
    scopes = ["read", "write"]
    return {
        "realm": "bench",
        "enabled": True,
        "sslRequired": "none",
        "components": {
            "org.keycloak.keys.KeyProvider": [
                {"name": name, "providerId": name, "config": config | {"priority": ["100"]}}
                for name, config in _KEYS.items()
            ]
        },
        "clientScopes": [
            {
                "name": each,
                "protocol": "openid-connect",
                "attributes": {"include.in.token.scope": "true"},
            }
            for each in scopes
        ],
        "clients": [_client(client_id, secret, each, scopes) for each in Algorithm],
    }


def _client(client_id: str, secret: str, algorithm: Algorithm, scopes: list[str]) -> dict[str, Any]:
    audience = {
        "name": "audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {
            "included.custom.audience": audience_of(algorithm),
            "access.token.claim": "true",
        },
    }
    return {
        "clientId": _client_of(client_id, algorithm),
        "secret": secret,
        "protocol": "openid-connect",
        "publicClient": False,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "fullScopeAllowed": False,
        "defaultClientScopes": [],
        "optionalClientScopes": scopes,
        "attributes": {"access.token.signed.response.alg": algorithm.value},
        "protocolMappers": [audience],
    }


KEYCLOAK = PeerKind(
    name="Keycloak",
    how="kc.sh start, database dev-mem, one core",
    prepare=prepare,
    long_set_up=True,
)
