"""What a team would write with FastAPI and PyJWT: one client, its secret's digest, a JWT."""

import json
import secrets
import time
import uuid
from hashlib import sha256
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, Form, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.benchmarks.python.settings import (
    ALGORITHMS,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    LIFETIME,
    new_keys,
)

_KEYS = new_keys()
_DIGESTS = {CLIENT_ID: sha256(CLIENT_SECRET.encode()).hexdigest()}
_WRITERS: dict[str, Any] = {"ES256": ECAlgorithm, "EdDSA": OKPAlgorithm, "RS256": RSAAlgorithm}
_basic = HTTPBasic()


def authenticated(credentials: Annotated[HTTPBasicCredentials, Depends(_basic)]) -> str:
    presented = sha256(credentials.password.encode()).hexdigest()
    held = _DIGESTS.get(credentials.username, "")
    if not secrets.compare_digest(presented, held):
        raise HTTPException(401, "invalid_client")
    return CLIENT_ID


def token(
    client_id: Annotated[str, Depends(authenticated)],
    grant_type: Annotated[str, Form()],
    resource: Annotated[str, Form()],
    scope: Annotated[str, Form()] = "",
) -> dict[str, Any]:
    if grant_type != "client_credentials":
        raise HTTPException(400, "unsupported_grant_type")
    if resource not in ALGORITHMS:
        raise HTTPException(400, "invalid_target")
    now, algorithm = int(time.time()), ALGORITHMS[resource]
    claims = {
        "iss": ISSUER,
        "sub": client_id,
        "client_id": client_id,
        "aud": resource,
        "scope": scope,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": str(uuid.uuid4()),
    }
    headers = {"kid": algorithm, "typ": "at+jwt"}
    encoded = jwt.encode(claims, _KEYS[algorithm], algorithm=algorithm, headers=headers)
    return {
        "access_token": encoded,
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "scope": scope,
    }


def jwks() -> dict[str, Any]:
    keys = []
    for algorithm, key in _KEYS.items():
        written = json.loads(_WRITERS[algorithm].to_jwk(key.public_key()))
        keys.append(written | {"kid": algorithm, "alg": algorithm, "use": "sig"})
    return {"keys": keys}


async def token_async(
    client_id: Annotated[str, Depends(authenticated)],
    grant_type: Annotated[str, Form()],
    resource: Annotated[str, Form()],
    scope: Annotated[str, Form()] = "",
) -> dict[str, Any]:
    return token(client_id, grant_type, resource, scope)


application = FastAPI()
application.add_api_route("/oauth/token", token_async, methods=["POST"])
application.add_api_route("/jwks", jwks)
