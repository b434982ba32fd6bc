"""DPoP proofs for the tests, made with PyJWT; and clients that send them."""

import asyncio
import time
from secrets import token_hex
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS

from shared.domain.jws import encode_base64url
from shared.runtime.config import read_config
from tests.assertions import ABSENT
from tests.clients import set_client
from tests.support import MadeTenant, Server, make_tenant, opened


class Prover(msgspec.Struct, frozen=True, kw_only=True):
    """A key, with what its proofs say of it."""

    key: Any
    algorithm: str
    jwk: dict[str, Any]
    private_jwk: dict[str, Any]

    def claims(self, url: str, **changes: Any) -> dict[str, Any]:
        """Give good claims but for the changes; ABSENT takes one away."""
        good = {"jti": token_hex(8), "htm": "POST", "htu": url, "iat": int(time.time())}
        return {name: value for name, value in (good | changes).items() if value is not ABSENT}

    def sign(self, payload: dict[str, Any] | bytes, **header: Any) -> str:
        octets = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        members = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk} | header
        given = {name: value for name, value in members.items() if value is not ABSENT}
        signed = f"{encode_base64url(msgspec.json.encode(given))}.{encode_base64url(octets)}"
        # not by the library's `encode`, which would not write what is wrong
        signature = PyJWS().get_algorithm_by_name(self.algorithm).sign(signed.encode(), self.key)
        return f"{signed}.{encode_base64url(signature)}"

    def proof(self, url: str, **changes: Any) -> str:
        return self.sign(self.claims(url, **changes))


def new_prover(algorithm: str = "ES256", *, bits: int = 2048) -> Prover:
    key: Any
    library: Any
    match algorithm:
        case "ES256":
            key, library = ec.generate_private_key(ec.SECP256R1()), ECAlgorithm
        case "EdDSA":
            key, library = ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm
        case _:
            key, library = rsa.generate_private_key(65537, bits), RSAAlgorithm
    return Prover(
        key=key,
        algorithm=algorithm,
        jwk=_members(library.to_jwk(key.public_key(), as_dict=True)),
        private_jwk=_members(library.to_jwk(key, as_dict=True)),
    )


def _members(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "key_ops"}


def tenant_of(server: Server, **columns: Any) -> MadeTenant:
    """Make a tenant, its client with these columns, for fixtures that outlive a test."""

    async def make() -> MadeTenant:
        config = read_config(server.installation.environment(server.url))
        async with opened(server.installation.control_url) as database:
            tenant = await make_tenant(database, config)
            if columns:
                client_id = tenant.client.client_id
                await set_client(database, tenant.tenant_id, client_id, **columns)
            return tenant

    return asyncio.run(make())


async def ask_with_proofs(
    http: httpx.AsyncClient, tenant: MadeTenant, *proofs: str, **parameters: str
) -> httpx.Response:
    form = {"grant_type": "client_credentials"} | parameters
    headers = [("DPoP", each) for each in proofs]
    return await http.post(tenant.token_endpoint, data=form, auth=tenant.basic, headers=headers)
