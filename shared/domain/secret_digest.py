"""The digest under which a client_secret rests: HMAC-SHA-256 with a pepper as the key."""

import hmac


def digest_secret(secret: str, pepper: bytes) -> bytes:
    return hmac.digest(pepper, secret.encode(), "sha256")
