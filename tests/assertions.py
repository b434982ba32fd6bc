"""Clients that prove themselves by JWTs they sign (private_key_jwt), for the tests."""

import asyncio
import time
from secrets import token_hex
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.api_jws import PyJWS

from control_plane.clients.actions import register_client
from control_plane.clients.rules import ClientKeys, NewClient
from shared.domain.client import AuthMethod
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId
from shared.runtime.config import read_config
from tests.support import MadeTenant, Server, make_tenant, opened

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ABSENT: Any = object()


class SigningClient(msgspec.Struct, frozen=True, kw_only=True):
    """A private_key_jwt client of a tenant, with its key."""

    tenant: MadeTenant
    client_id: ClientId
    key: Any
    kid: str

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Give good claims but for the changes; ABSENT takes one away."""
        now = int(time.time())
        good = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.tenant.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": token_hex(8),
        }
        return {name: value for name, value in (good | changes).items() if value is not ABSENT}

    def sign(
        self,
        payload: dict[str, Any] | bytes,
        *,
        key: Any = None,
        algorithm: str = "ES256",
        **header: Any,
    ) -> str:
        octets = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        headers = {"kid": self.kid, "typ": "JWT"} | header
        given = {name: value for name, value in headers.items() if value is not ABSENT}
        return PyJWS().encode(octets, key or self.key, algorithm=algorithm, headers=given)

    def assertion(self, **changes: Any) -> str:
        return self.sign(self.claims(**changes))


def form_of(assertion: str, **parameters: str) -> dict[str, str]:
    return {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE} | parameters


async def ask_by_assertion(
    http: httpx.AsyncClient, client: SigningClient, assertion: str, **parameters: str
) -> httpx.Response:
    form = form_of(assertion, grant_type="client_credentials", **parameters)
    return await http.post(client.tenant.token_endpoint, data=form)


def new_key_pair(kid: str) -> tuple[ec.EllipticCurvePrivateKey, ClientJwk]:
    key = ec.generate_private_key(ec.SECP256R1())
    members = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return key, msgspec.convert(members | {"kid": kid, "use": "sig", "alg": "ES256"}, ClientJwk)


async def make_signing_client(
    server: Server, tenant: MadeTenant | None = None, **metadata: Any
) -> SigningClient:
    """Register a private_key_jwt client with an inline key set; make a tenant where none is."""
    config = read_config(server.installation.environment(server.url))
    kid = f"key-{token_hex(4)}"
    key, jwk = new_key_pair(kid)
    keys = ClientKeys(jwks=(jwk,))
    async with opened(server.installation.control_url) as database:
        tenant = tenant or await make_tenant(database, config)
        new = NewClient(
            name="signs",
            apis=(tenant.audience,),
            auth_method=AuthMethod.PRIVATE_KEY_JWT,
            **({"keys": keys} | metadata),
        )
        made = await register_client(database, config.secret_peppers, tenant.tenant_id, new)
    return SigningClient(tenant=tenant, client_id=made.client_id, key=key, kid=kid)


def signing_client_of(server: Server, **metadata: Any) -> SigningClient:
    """The same, for fixtures that live longer than a test."""
    return asyncio.run(make_signing_client(server, **metadata))
