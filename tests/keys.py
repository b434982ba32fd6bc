"""Signing keys for tests whose subject is something else."""

from functools import cache
from itertools import count

from shared.domain.jwk import Algorithm, PrivateKey, generate_private_key

_KEPT = 4
_turn = count()


def some_key(algorithm: Algorithm) -> PrivateKey:
    """Give a key: a new one, or one of the few RSA keys that are had in turn.

    To make one takes 150 ms of a core, and there is one in every tenant.
    """
    if algorithm is Algorithm.RS256:
        return _rsa_key(next(_turn) % _KEPT)
    return generate_private_key(algorithm)


@cache
def _rsa_key(_: int) -> PrivateKey:
    return generate_private_key(Algorithm.RS256)
