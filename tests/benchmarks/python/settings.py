"""What both applications are given: by the harness, as one JSON object in the environment."""

import json
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

LIFETIME = 3600  # seconds

asked: dict[str, Any] = json.loads(os.environ["BENCH_PEER"])
ISSUER: str = asked["issuer"]
CLIENT_ID: str = asked["client_id"]
CLIENT_SECRET: str = asked["client_secret"]
ALGORITHMS: dict[str, str] = asked["algorithms"]  # audience -> algorithm


def new_keys() -> dict[str, Any]:
    return {
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        "RS256": rsa.generate_private_key(65537, 2048),
    }
