"""The OpenAPI document is the surface, and the surface keeps to it whatever schemathesis sends.

Left out of its checks: unsupported_method, because the framework answers OPTIONS at the probes;
negative_data_rejection, because RFC 6749 section 3.2 has parameters that are unknown ignored and
empty ones omitted, and what is no token of ours is answered, not refused (RFC 7662 section 2.2);
positive_data_acceptance, because a well-formed request may ask for what is not granted.
"""

import json
import subprocess
import sys
from collections import Counter

import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events

from data_plane.handlers.health import health_handlers
from data_plane.handlers.mount import NAMES, PATHS
from shared.domain.openapi import openapi_document
from shared.runtime.leaving import Leaving
from shared.runtime.telemetry import Telemetry
from tests.support import MadeTenant, Server

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "allow_header_conformance",
)
_EXAMPLES = 15  # for each operation
_SEED = 6749


class _Ready:
    def started(self) -> bool:
        return True

    def missing(self) -> list[str]:
        return []

    def check_recent(self) -> None:
        return


def test_the_document_names_every_endpoint_and_none_besides() -> None:
    named = {path.replace("{slug}", "acme") for path in openapi_document("1")["paths"]}
    probes = {
        path for each in health_handlers(_Ready(), Telemetry(), Leaving()) for path in each.paths
    }
    assert all(path in probes or PATHS.fullmatch(path) for path in named)
    inserted = {
        f"/.well-known/{name}/t/acme"
        for name in ("openid-configuration", "oauth-authorization-server")
    }
    assert named == probes | inserted | {f"/t/acme/{endpoint}" for endpoint in NAMES}


def test_the_command_prints_the_document() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "control_plane.cli.main", "openapi"],
        check=True,
        capture_output=True,
    )
    found = json.loads(done.stdout)
    assert found == openapi_document(found["info"]["version"])


def test_the_surface_keeps_to_the_document_for_strangers(server: Server) -> None:
    assert _run(server, openapi_document("1"), {})[404] > 0  # no issuer has an invented name


def test_the_surface_keeps_to_the_document_for_a_client(server: Server, tenant: MadeTenant) -> None:
    document = json.loads(json.dumps(openapi_document("1")).replace("{slug}", tenant.slug))
    for path in document["paths"].values():
        path.pop("parameters", None)
    client_id, client_secret = tenant.basic
    basic = {"username": client_id, "password": client_secret}
    answers = _run(server, document, {"auth": {"openapi": {"client": basic}}})
    assert min(answers[200], answers[400], answers[401], answers[405]) > 0


def _run(server: Server, document: dict[str, object], settings: dict[str, object]) -> Counter[int]:
    """Have every phase but the stateful one (there are no links) send what it invents; count the

    answers of each status.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": _SEED,
            "base-url": server.url,
            "generation": {"max-examples": _EXAMPLES, "database": "none"},
            "checks": {"enabled": False} | {name: {"enabled": True} for name in _CHECKS},
            "phases": {"stateful": {"enabled": False}},
        }
        | settings
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    answers, wrong = Counter[int](), list[str]()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            for name, seen in event.recorder.interactions.items():
                answers[seen.response.status_code if seen.response else 0] += 1
                found = event.recorder.checks.get(name, ())
                wrong += [f"{event.label}: {c.name}" for c in found if c.status is Status.FAILURE]
        elif isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(event))
    assert not wrong
    return answers
