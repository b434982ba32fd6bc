"""The management API keeps to its OpenAPI document, whatever schemathesis sends.

Each operation is asked with an API key of its own: none is held up by the pace of another.
Left out of the checks: negative_data_rejection and positive_data_acceptance, because what is well
formed may still be refused by a rule (422), and a body may be read that says nothing new.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events

from control_plane.management.actions import create_api_key
from control_plane.management.rules import NewApiKey
from control_plane.management_api.router import openapi_document
from shared.domain.ids import ClientId
from shared.domain.management import MANAGEMENT_SCOPES, management_audience
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from tests.conftest import free_port, wait_until_answered
from tests.management import Forge, Forgery, forger
from tests.support import Installation, MadeTenant, make_tenant

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
_EXAMPLES = 3  # for each operation
_TENANT = "/api/v1/tenants/{slug}"
_PATHS = (  # one of each kind: what all have in common is in one door and one table of problems
    f"{_TENANT}/clients",
    f"{_TENANT}/apis",
    f"{_TENANT}/revoke-tokens",
    f"{_TENANT}/logs",
)
_SEED = 9457
_PATIENCE = 30  # seconds


@pytest.fixture
def served(installation: Installation) -> Iterator[Config]:
    """Serve the console, and give its configuration."""
    port = free_port()
    variables = installation.environment() | {
        "CONSOLE_URL": f"http://127.0.0.1:{port}",
        "CONSOLE_BIND_ADDRESS": f"127.0.0.1:{port}",
        "DRAIN_DELAY": "0",
        "LOG_LEVEL": "WARNING",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "control_plane.cli.main", "serve", "control"],
        env={**os.environ, **variables},
    )
    try:
        wait_until_answered(f"http://127.0.0.1:{port}/livez", process)
        yield read_config(variables)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


@pytest.mark.timeout(300)
async def test_the_api_keeps_to_its_document(
    served: Config, database: Database, installation: Installation
) -> None:
    tenant = await make_tenant(database, served)
    answers = Counter[int]()
    await _new_key(database, served)
    async with forger(installation, served) as forge:
        for document in _operations(tenant):
            token = _token(forge, served, await _new_key(database, served))
            answers += await asyncio.to_thread(_run, served.console_url, document, token)
    assert min(answers[200], answers[400], answers[401], answers[422]) > 0


async def _new_key(database: Database, config: Config) -> ClientId:
    scopes = frozenset(MANAGEMENT_SCOPES)
    new = NewApiKey(account="operator", name=f"fuzz {token_hex(4)}", scopes=scopes)
    return (await create_api_key(database, config, new)).client_id


def _token(forge: Forge, config: Config, key: ClientId) -> str:
    audience = management_audience(config.console_url)
    return forge(Forgery(client_id=key, audience=audience, scope=" ".join(MANAGEMENT_SCOPES)))


def _operations(tenant: MadeTenant) -> Iterator[dict[str, Any]]:
    """Give a document of each operation alone, about the tenant."""
    whole = openapi_document()
    given = {"slug": tenant.slug}
    for path in _PATHS:
        filled, operations = path, whole["paths"][path]
        for name, value in given.items():
            filled = filled.replace(f"{{{name}}}", value)
        for method, operation in operations.items():
            left = [each for each in operation.get("parameters", []) if each["name"] not in given]
            yield whole | {"paths": {filled: {method: operation | {"parameters": left}}}}


def _run(url: str, document: dict[str, Any], token: str) -> Counter[int]:
    config = SchemathesisConfig.from_dict(
        {
            "seed": _SEED,
            "base-url": url,
            "generation": {"max-examples": _EXAMPLES, "database": "none"},
            "checks": {"enabled": False} | {name: {"enabled": True} for name in _CHECKS},
            "phases": {"stateful": {"enabled": False}},
            "auth": {"openapi": {"management": {"bearer": token}}},
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    answers, wrong = Counter[int](), list[str]()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            for name, seen in event.recorder.interactions.items():
                answers[seen.response.status_code if seen.response else 0] += 1
                found = event.recorder.checks.get(name, ())
                sent = f"{event.label} {seen.request.body!r}"
                wrong += [f"{sent}: {c.name}" for c in found if c.status is Status.FAILURE]
        elif isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(event))
    assert not wrong
    return answers
