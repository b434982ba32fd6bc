"""The issuers that every client meets: one for each algorithm, and one of the other profile."""

import ssl
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from shared.domain.client import TokenProfile
from shared.domain.jwk import Algorithm
from tests.support import MadeTenant

_PATIENCE = 60.0  # seconds; a revocation may take one to reach every worker
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the authorities takes 40 ms a request
WRONG_SECRET = "as_cs_wrong"


class Kind(msgspec.Struct, frozen=True):
    """What a tenant's tokens are like."""

    algorithm: Algorithm
    profile: TokenProfile = TokenProfile.AT_JWT


KINDS = {
    "ES256": Kind(Algorithm.ES256),
    "RS256": Kind(Algorithm.RS256),
    "EdDSA": Kind(Algorithm.EDDSA),
    "typ-JWT": Kind(Algorithm.ES256, TokenProfile.JWT),
}


class LiveIssuer(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant of the running server, and what is true of its tokens."""

    tenant: MadeTenant
    kind: Kind

    @property
    def issuer(self) -> str:
        return self.tenant.issuer

    @property
    def audience(self) -> str:
        return self.tenant.audience

    @property
    def client_id(self) -> str:
        return self.tenant.client.client_id

    @property
    def client_secret(self) -> str:
        return self.tenant.client.client_secret

    @property
    def algorithm(self) -> str:
        return self.kind.algorithm.value

    @property
    def typ(self) -> str:
        return self.kind.profile.value

    @property
    def openid_configuration(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"


def read_json(url: str) -> Any:
    """GET a public document, as an API does that uses no OAuth library."""
    return httpx.get(url, verify=_NO_TLS).raise_for_status().json()


def fetch_token(live: LiveIssuer) -> str:
    """Fetch an access token without any library, for those that only verify."""
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(
        live.tenant.token_endpoint, data=form, auth=live.tenant.basic, verify=_NO_TLS
    )
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def becomes(read: Callable[[], bool], *, wanted: bool) -> bool:
    """Read again until it is so, for as long as a revocation may take."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if read() is wanted:
            return True
        time.sleep(0.02)
    return False
