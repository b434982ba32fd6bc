"""Whoever manages a tenant: API keys with their tokens, and operators who sign their requests."""

import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from secrets import token_hex
from typing import TypeAlias

import httpx
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from control_plane.management.actions import MadeApiKey, create_api_key
from control_plane.management.rules import NewApiKey
from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.request_signature import COVERED
from data_plane.protocol.revocation import DenySet
from data_plane.protocol.served_issuer import serve_issuer
from data_plane.signing import JwtSigner
from data_plane.store.snapshots import StoredSnapshots
from shared.domain.client import TokenProfile
from shared.domain.ids import ClientId
from shared.domain.issuer import issuer_url
from shared.domain.jwk import Algorithm, PrivateKey, generate_private_key, public_jwk
from shared.domain.jws import base64url
from shared.domain.management import REVOKE_TOKENS, SYSTEM_SLUG, management_audience
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.isolation.patient_pool import opened_pool
from tests.support import Installation

FORM = "application/x-www-form-urlencoded"
Forge: TypeAlias = Callable[["Forgery"], str]
KEYS: dict[str, PrivateKey] = {  # the operators', by kid
    "operator-ec": generate_private_key(Algorithm.ES256),
    "operator-ed": generate_private_key(Algorithm.EDDSA),
}


def jwks_of(keys: dict[str, PrivateKey]) -> str:
    """Give the value of OPERATOR_KEYS."""
    jwks = [msgspec.to_builtins(public_jwk(key)) | {"kid": kid} for kid, key in keys.items()]
    return msgspec.json.encode({"keys": jwks}).decode()


async def api_key(
    database: Database, config: Config, account: str, scope: str = REVOKE_TOKENS
) -> MadeApiKey:
    new = NewApiKey(account=account, name="test", scopes=frozenset(scope.split()))
    return await create_api_key(database, config, new)


async def fetch_token(http: httpx.AsyncClient, config: Config, key: MadeApiKey) -> str:
    answer = await http.post(
        f"{issuer_url(config.public_url, SYSTEM_SLUG)}/oauth/token",
        data={
            "grant_type": "client_credentials",
            "audience": management_audience(config.console_url),
        },
        auth=(key.client_id, key.client_secret),
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    return str(answer.json()["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Forgery(msgspec.Struct, frozen=True, kw_only=True):
    """A token that `system` could have signed; the defaults are a good one."""

    client_id: ClientId
    audience: str | tuple[str, ...]
    scope: str = REVOKE_TOKENS
    lifetime: int = 600  # seconds, from now
    issued: int = -1  # seconds from now


@asynccontextmanager
async def forger(installation: Installation, config: Config) -> AsyncIterator[Forge]:
    async with opened_pool(installation.data_url) as pool:
        read = await StoredSnapshots(pool).of_slug(SYSTEM_SLUG)
    assert read is not None
    issuer = serve_issuer(read[0], config.public_url, DenySet())
    signer = JwtSigner(Sealer(config.master_keys))

    def forge(forgery: Forgery) -> str:
        payload = base64url(msgspec.json.encode(_claims(forgery, issuer.issuer)))
        return signer.key(issuer, Algorithm.ES256, TokenProfile.AT_JWT).signed(payload).decode()

    yield forge


def _claims(forgery: Forgery, issuer: str) -> AccessTokenClaims:
    now = int(time.time())
    return AccessTokenClaims(
        iss=issuer,
        sub=forgery.client_id,
        aud=forgery.audience,
        client_id=forgery.client_id,
        azp=forgery.client_id,
        scope=forgery.scope,
        iat=now + forgery.issued,
        exp=now + forgery.lifetime,
        jti=token_hex(8),
    )


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request signed by hand, as RFC 9421 section 2.5 says; the defaults are good ones."""

    url: str  # that is signed
    body: bytes
    method: str = "POST"
    kid: str = "operator-ec"
    key: PrivateKey | None = None
    covered: tuple[str, ...] = COVERED
    created: int | None = 0  # seconds from now
    nonce: str | None = ""  # a fresh one
    parameters: str = ""  # more of them
    content_type: str = FORM
    digest: str | None = None

    def headers(self) -> dict[str, str]:
        digest = self.digest or content_digest(self.body)
        values = {
            "@method": self.method,
            "@target-uri": self.url,
            "content-digest": digest,
            "content-type": self.content_type,
        }
        names = " ".join(f'"{name}"' for name in self.covered)
        params = f"({names}){self._parameters()}"
        lines = [f'"{name}": {values[name]}' for name in self.covered]
        base = "\n".join([*lines, f'"@signature-params": {params}'])
        signature = b64encode(_sign(self.key or KEYS[self.kid], base.encode())).decode()
        return {
            "Content-Type": self.content_type,
            "Content-Digest": digest,
            "Signature-Input": f"sig={params}",
            "Signature": f"sig=:{signature}:",
        }

    def _parameters(self) -> str:
        created = "" if self.created is None else f";created={int(time.time()) + self.created}"
        nonce = "" if self.nonce is None else f';nonce="{self.nonce or token_hex(16)}"'
        return f'{created};keyid="{self.kid}"{nonce}{self.parameters}'


def content_digest(body: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def _sign(key: PrivateKey, base: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(base, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(base)  # type: ignore[call-arg]  # RSA is not among them
