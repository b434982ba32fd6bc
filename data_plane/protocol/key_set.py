"""The JWK Set of an issuer, RFC 7517 section 5."""

import msgspec

from shared.domain.jwk import Jwk
from shared.domain.snapshot import IssuerSnapshot


class JwkSet(msgspec.Struct, frozen=True):
    keys: tuple[Jwk, ...]


def key_set(snapshot: IssuerSnapshot) -> JwkSet:
    """Publish every key, whatever its state: *next* is learnt early, *retired* still verifies."""
    return JwkSet(tuple(key.jwk for key in snapshot.signing_keys))
