"""Other people's clients that prove themselves by a key: Authlib, and oauth4webapi (npm)."""

import asyncio
import json
from typing import Any

import jwt
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey
from jwt.algorithms import ECAlgorithm

from shared.domain.client import DpopUse
from tests.assertions import SigningClient, make_signing_client
from tests.interop.issuers import LiveIssuer
from tests.interop.node import Node
from tests.support import Server

SCRIPT = "private-key-jwt.mjs"


def signing_at(server: Server, live: LiveIssuer, **metadata: Any) -> SigningClient:
    return asyncio.run(make_signing_client(server, live.tenant, **metadata))


def ask(node: Node, action: str, live: LiveIssuer, client: SigningClient) -> dict[str, Any]:
    jwk = ECAlgorithm.to_jwk(client.key, as_dict=True) | {"kid": client.kid}
    return node.ask(
        SCRIPT, action, live, {}, client_id=client.client_id, private_jwk=json.dumps(jwk)
    )


def test_authlib_is_served_as_a_legacy_client(default: LiveIssuer, server: Server) -> None:
    """It signs for the token endpoint, for an hour."""
    client = signing_at(server, default, legacy_assertions=True)
    key = ECKey.import_key(ECAlgorithm.to_jwk(client.key, as_dict=True))
    endpoint = default.tenant.token_endpoint
    session = OAuth2Session(client.client_id, key, token_endpoint_auth_method="private_key_jwt")
    session.register_client_auth_method(PrivateKeyJWT(endpoint, alg="ES256"))
    with session:
        tokens = [session.fetch_token(endpoint, grant_type="client_credentials") for _ in range(2)]
    assert {each["token_type"] for each in tokens} == {"Bearer"}


def test_oauth4webapi_signs_and_gets_a_token(
    default: LiveIssuer, server: Server, node: Node
) -> None:
    found = ask(node, "token", default, signing_at(server, default))
    assert found["token"]["token_type"] == "bearer"


def test_oauth4webapi_signs_and_binds_the_token_to_its_key(
    default: LiveIssuer, server: Server, node: Node
) -> None:
    """The two together are FAPI 2's client: private_key_jwt, and DPoP."""
    client = signing_at(server, default, dpop=DpopUse.REQUIRED)
    found = ask(node, "bound", default, client)
    assert (found["token"]["token_type"], found["nonces"]) == ("dpop", 0)
    claims = jwt.decode(found["token"]["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": found["thumbprint"]}


def test_oauth4webapi_learns_the_nonce_that_a_client_must_have(
    default: LiveIssuer, server: Server, node: Node
) -> None:
    client = signing_at(server, default, dpop=DpopUse.NONCE_REQUIRED)
    found = ask(node, "bound", default, client)
    assert (found["token"]["token_type"], found["nonces"]) == ("dpop", 1)


def test_oauth4webapi_verifies_signed_introspection(
    default: LiveIssuer, server: Server, node: Node
) -> None:
    found = ask(node, "introspection", default, signing_at(server, default))
    assert found["type"] == "application/token-introspection+jwt"
    assert found["introspected"]["active"] is True
