"""Public keys of others, as JSON Web Keys: a client's, or an outside issuer's (RFC 7517)."""

import msgspec


class ClientJwk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public key that signatures are verified with, and never one that could sign."""

    kty: str
    kid: str | None = None
    alg: str | None = None  # where it is given, the only one the key is used with
    use: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None
