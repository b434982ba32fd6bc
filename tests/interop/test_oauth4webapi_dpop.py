"""oauth4webapi (npm) as a FAPI 2 client: tokens bound to its key, and signed introspection."""

import asyncio
import json
from typing import Any

import jwt
import pytest
from jwt.algorithms import ECAlgorithm

from tests.assertions import SigningClient, make_signing_client
from tests.clients import set_client
from tests.interop.issuers import LiveIssuer
from tests.interop.node import Node
from tests.support import Server, opened

SCRIPT = "private-key-jwt.mjs"


def signing_at(server: Server, live: LiveIssuer, dpop: str) -> SigningClient:
    async def make() -> SigningClient:
        client = await make_signing_client(server, live.tenant)
        async with opened(server.installation.control_url) as database:
            await set_client(database, live.tenant.tenant_id, client.client_id, dpop=dpop)
        return client

    return asyncio.run(make())


def ask(node: Node, action: str, live: LiveIssuer, client: SigningClient) -> dict[str, Any]:
    jwk = ECAlgorithm.to_jwk(client.key, as_dict=True) | {"kid": client.kid}
    return node.ask(
        SCRIPT, action, live, {}, client_id=client.client_id, private_jwk=json.dumps(jwk)
    )


@pytest.mark.parametrize(
    ("dpop", "nonces"), [("optional", 0), ("required", 0), ("nonce_required", 1)]
)
def test_oauth4webapi_gets_a_token_bound_to_its_key(
    default: LiveIssuer, server: Server, node: Node, dpop: str, nonces: int
) -> None:
    found = ask(node, "bound", default, signing_at(server, default, dpop))
    assert (found["token"]["token_type"], found["nonces"]) == ("dpop", nonces)
    claims = jwt.decode(found["token"]["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": found["thumbprint"]}


def test_oauth4webapi_verifies_a_signed_introspection(
    default: LiveIssuer, server: Server, node: Node
) -> None:
    client = signing_at(server, default, "optional")
    found = ask(node, "introspection", default, client)
    assert found["type"] == "application/token-introspection+jwt"
    assert found["introspected"]["active"] is True
    assert found["introspected"]["client_id"] == client.client_id
