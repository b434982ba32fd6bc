"""What a composition root makes once, and gives handlers."""

import hmac
from typing import TypeAlias

from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from shared.runtime.config import Config

# that Litestar is not to look into: it would copy a struct to check it
GivenConfig: TypeAlias = SkipValidation[NamedDependency[Config]]


def given(thing: object) -> Provide:
    """Give handlers what was made once."""
    return Provide(lambda: thing, sync_to_thread=False, use_cache=True)


def key_for(use: bytes, config: Config) -> bytes:
    """Derive a key of its own for one use of an app."""
    return hmac.digest(config.secret_peppers[0].octets, use, "sha256")
