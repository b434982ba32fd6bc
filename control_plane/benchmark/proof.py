"""One token of each run is verified by PyJWT, as a resource server would (RFC 9068 section 4)."""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import jwt
import msgspec

from control_plane.benchmark.measure import Spoiled
from control_plane.benchmark.processes import fetch


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose tokens they are to be; the key set is behind a path of the port."""

    port: int
    jwks_path: str
    issuer: str


def proof(issuer: Issuer, audience: str, algorithm: str) -> Callable[[bytes], None]:
    """Give a function that takes a token answer, or raises Spoiled."""

    def accept(body: bytes) -> None:
        token: str = msgspec.json.decode(body)["access_token"]
        signing_input, _, signature = token.rpartition(".")
        header, claims = (_part(each) for each in signing_input.split("."))
        key = _key(issuer, header["kid"], algorithm)
        if not key.Algorithm.verify(signing_input.encode(), key.key, _octets(signature)):
            raise Spoiled("a token's signature is wrong")
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if header["alg"] != algorithm or audience not in audiences:
            raise Spoiled(f"a token is another's: {header['alg']} for {claims['aud']}")
        if claims["iss"] != issuer.issuer or claims["exp"] <= time.time():
            raise Spoiled(f"a token of {claims['iss']} was to be one of {issuer.issuer}")

    return accept


def _key(issuer: Issuer, kid: str, algorithm: str) -> jwt.PyJWK:
    _, body = fetch(issuer.port, issuer.jwks_path)
    keys: list[dict[str, Any]] = msgspec.json.decode(body)["keys"]
    found = [each for each in keys if each.get("kid") == kid]
    if not found:
        raise Spoiled(f"the key {kid} is in no key set")
    return jwt.PyJWK(found[0], algorithm=algorithm)


def _part(encoded: str) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(_octets(encoded))
    return decoded


def _octets(encoded: str) -> bytes:
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
