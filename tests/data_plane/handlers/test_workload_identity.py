"""A JWT of an outside issuer stands for a client: rules with key sets of their own."""

import time
from secrets import token_hex
from typing import Any

import httpx
import msgspec
import pytest

from control_plane.clients.actions import disable_client, register_client
from control_plane.clients.rules import NewClient
from control_plane.workloads.actions import add_workload
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.domain.workload import WorkloadRule
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.assertions import ABSENT, SigningClient, ask_by_assertion, new_key_pair
from tests.support import MadeTenant

PLATFORM = "https://ci.example"


class Platform:
    """An outside issuer, whose keys are in the rules."""

    def __init__(self, tenant: MadeTenant, database: Database, config: Config) -> None:
        self.tenant = tenant
        self._database = database
        self._config = config
        self.key, self.jwk = new_key_pair("platform")
        self.signer = SigningClient(
            tenant=tenant, client_id=ClientId("no one"), key=self.key, kid="platform"
        )

    async def client(self, name: str, *patterns: dict[str, str], **rule: Any) -> ClientId:
        """Register a client with a rule for each dict of patterns."""
        new = NewClient(
            name=name, apis=(self.tenant.audience,), auth_method=AuthMethod.WORKLOAD_IDENTITY
        )
        made = await register_client(
            self._database, self._config.secret_peppers, self.tenant.tenant_id, new
        )
        for claims in patterns:
            given = {"issuer": PLATFORM, "jwks": (self.jwk,)} | rule
            added = WorkloadRule(name=token_hex(4), claims=claims, **given)
            await add_workload(self._database, self.tenant.tenant_id, made.client_id, added)
        return made.client_id

    def token(self, **changes: Any) -> str:
        """Sign what the platform gives to a job."""
        job = {"iss": PLATFORM, "sub": "repo:acme/app", "repository": "acme/app", "jti": ABSENT}
        return self.signer.sign(self.signer.claims(**(job | changes)))


@pytest.fixture
def platform(tenant: MadeTenant, database: Database, config: Config) -> Platform:
    return Platform(tenant, database, config)


def client_of(answer: httpx.Response) -> str:
    """Read the token's subject, without a look at its signature."""
    part = answer.json()["access_token"].split(".")[1]
    from base64 import urlsafe_b64decode  # noqa: PLC0415

    claims = msgspec.json.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return str(claims["sub"])


async def test_a_matching_workload_is_its_client(
    http: httpx.AsyncClient, platform: Platform
) -> None:
    client = await platform.client("deploy", {"repository": "acme/*"})
    answer = await ask_by_assertion(http, platform.signer, platform.token())
    assert answer.status_code == 200, answer.text
    assert client_of(answer) == client


async def test_a_platforms_token_serves_many_requests(
    http: httpx.AsyncClient, platform: Platform
) -> None:
    await platform.client("deploy", {"repository": "acme/app"})
    token = platform.token(jti="one")
    for _ in range(3):
        assert (await ask_by_assertion(http, platform.signer, token)).status_code == 200


async def test_a_workload_of_several_clients_says_which(
    http: httpx.AsyncClient, platform: Platform
) -> None:
    clients = [await platform.client(name, {"repository": "acme/app"}) for name in ("a", "b")]
    silent = await ask_by_assertion(http, platform.signer, platform.token())
    assert (silent.status_code, silent.json()["error"]) == (400, "invalid_request")
    for client in clients:
        answer = await ask_by_assertion(http, platform.signer, platform.token(), client_id=client)
        assert client_of(answer) == client


REFUSED = {
    "other-repository": {"repository": "mallory/app"},
    "deeper-path": {"repository": "acme/app/more"},
    "claim-absent": {"repository": ABSENT},
    "other-audience": {"aud": "https://elsewhere.example"},
    "audience-of-a-sibling": {"aud": "http://127.0.0.1/t/other"},
    "other-issuer": {"iss": "https://ci.example.evil"},
    "issuer-with-slash": {"iss": PLATFORM + "/"},
    "expired": {"exp": int(time.time()) - 5},
    "of-the-future": {"nbf": int(time.time()) + 86_400},  # the tests may take a while to get here
    "without-expiry": {"exp": ABSENT},
    "without-audience": {"aud": ABSENT},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_a_workload_that_no_rule_takes_is_refused(
    http: httpx.AsyncClient, platform: Platform, changes: dict[str, Any]
) -> None:
    client = await platform.client("deploy", {"repository": "acme/*"})
    token = platform.token(**changes)
    for parameters in ({}, {"client_id": client}):
        answer = await ask_by_assertion(http, platform.signer, token, **parameters)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert "acme" not in answer.json()["error_description"]


async def test_a_signature_of_another_key_is_refused(
    http: httpx.AsyncClient, platform: Platform
) -> None:
    await platform.client("deploy", {"repository": "acme/*"})
    stranger, _ = new_key_pair("platform")
    job = {"iss": PLATFORM, "sub": "repo:acme/app", "repository": "acme/app"}
    forged = platform.signer.sign(platform.signer.claims(**job), key=stranger)
    assert (await ask_by_assertion(http, platform.signer, forged)).status_code == 401


async def test_an_audience_of_the_rules_own_is_wanted(
    http: httpx.AsyncClient, platform: Platform
) -> None:
    await platform.client("deploy", {"repository": "acme/*"}, audience="api://acme")
    assert (await ask_by_assertion(http, platform.signer, platform.token())).status_code == 401
    named = platform.token(aud=["api://acme", "other"])
    assert (await ask_by_assertion(http, platform.signer, named)).status_code == 200


async def test_a_disabled_client_is_no_ones(
    http: httpx.AsyncClient, platform: Platform, database: Database
) -> None:
    client = await platform.client("deploy", {"repository": "acme/*"})
    assert (await ask_by_assertion(http, platform.signer, platform.token())).status_code == 200
    await disable_client(database, platform.tenant.tenant_id, client)
    deadline = time.monotonic() + 5
    while (await ask_by_assertion(http, platform.signer, platform.token())).status_code != 401:
        assert time.monotonic() < deadline, "still served"


async def test_no_outside_issuer_speaks_for_a_client_with_a_secret(
    http: httpx.AsyncClient, platform: Platform
) -> None:
    await platform.client("deploy", {"repository": "acme/*"})
    holder = platform.tenant.client.client_id
    answer = await ask_by_assertion(http, platform.signer, platform.token(), client_id=holder)
    assert answer.status_code == 401
