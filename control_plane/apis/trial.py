"""Asking the tenant's own token endpoint for a token, as the client would, to show the answer.

The one address that is asked is the issuer's, from the configuration: nothing a person types
decides where the secret goes. It is in this one request and nowhere else; the ledger records the
token as it does each.
"""

import asyncio
import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

import httpcore
import jwt
import msgspec

from control_plane.apis.repository import ApiRow
from control_plane.apis.rules import Check, check_value
from shared.domain.jws import decode_base64url
from shared.domain.refused import Refused

_PATIENCE = 10.0  # seconds, for both requests
_LARGEST_ANSWER = 64 * 1024  # octets
_SHOWN = 24  # characters of the token where the whole answer stands
_OK = 200
_FORM = ("Content-Type", "application/x-www-form-urlencoded")
_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    OSError,
    TimeoutError,
    msgspec.MsgspecError,
    jwt.PyJWTError,
    ValueError,
)


class NoAnswer(Refused):
    """The issuer does not answer, or not in JSON."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for what; empty scopes ask for all that the client is granted."""

    client_id: str
    client_secret: str
    scopes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Asked({self.client_id!r})"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, as a page shows it."""

    status: int
    answer: str  # JSON, with the token cut short
    token: str = ""
    header: str = ""
    claims: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def issued(self) -> bool:
        return self.status == _OK

    def __repr__(self) -> str:
        return f"Trial({self.status})"


async def try_token(issuer: str, api: ApiRow, asked: Asked) -> Trial:
    """Ask for a token and verify it with the issuer's key set. Raises NoAnswer."""
    try:
        async with asyncio.timeout(_PATIENCE), httpcore.AsyncConnectionPool() as pool:
            status, answer = await _ask(pool, issuer, api, asked)
            if status != _OK:
                return Trial(status=status, answer=_shown(answer))
            _, key_set = await _send(pool, "GET", f"{issuer}/.well-known/jwks.json")
            return _tried(issuer, api, asked, answer, key_set)
    except _FAILURES:
        raise NoAnswer(f"{issuer} does not answer as a token endpoint does") from None


async def _ask(
    pool: httpcore.AsyncConnectionPool, issuer: str, api: ApiRow, asked: Asked
) -> tuple[int, dict[str, Any]]:
    # RFC 6749 section 2.3.1: each part is encoded as a form's values are
    pair = f"{quote(asked.client_id, safe='')}:{quote(asked.client_secret, safe='')}"
    form = {"grant_type": "client_credentials", "resource": api.identifier}
    if asked.scopes:
        form["scope"] = " ".join(asked.scopes)
    headers = (("Authorization", f"Basic {b64encode(pair.encode()).decode()}"), _FORM)
    return await _send(pool, "POST", f"{issuer}/oauth/token", headers, urlencode(form).encode())


async def _send(
    pool: httpcore.AsyncConnectionPool,
    method: str,
    url: str,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
) -> tuple[int, dict[str, Any]]:
    """Give status and decoded answer. Raises one of _FAILURES, also where it is no JSON object."""
    host = ("Host", url.split("/", 3)[2])
    async with pool.stream(method, url, headers=(host, *headers), content=body) as response:
        octets = bytearray()
        async for piece in response.aiter_stream():
            octets += piece
            if len(octets) > _LARGEST_ANSWER:
                raise ValueError
    return response.status, msgspec.json.decode(octets, type=dict[str, Any])


def _tried(
    issuer: str, api: ApiRow, asked: Asked, answer: dict[str, Any], key_set: dict[str, Any]
) -> Trial:
    token = str(answer.get("access_token"))
    header, claims = (
        msgspec.json.decode(decode_base64url(part), type=dict[str, Any])
        for part in token.split(".")[:2]
    )
    expected = {
        "iss": issuer,
        "aud": api.identifier,
        "client_id": asked.client_id,
    }
    return Trial(
        status=_OK,
        answer=_shown(answer | {"access_token": f"{token[:_SHOWN]}…"}),
        token=token,
        header=_shown(header),
        claims=_shown(claims),
        checks=(
            _check_signature(token, header, key_set, api),
            check_value("typ", header, api.profile),
            *(check_value(name, claims, value) for name, value in expected.items()),
        ),
    )


def _check_signature(
    token: str, header: dict[str, Any], key_set: dict[str, Any], api: ApiRow
) -> Check:
    kid = header.get("kid")
    keys = [each for each in key_set.get("keys", []) if each.get("kid") == kid]
    if not keys:
        return Check("signature", good=False, says=f"the key set has no key {kid}")
    try:
        jwt.PyJWS().decode(token, jwt.PyJWK(keys[0]), algorithms=[api.algorithm])
    except jwt.PyJWTError as error:
        return Check("signature", good=False, says=str(error))
    return Check("signature", good=True, says=f"{api.algorithm}, verified with the key {kid}")


def _shown(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False)
