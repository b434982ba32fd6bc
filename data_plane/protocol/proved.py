"""What has been proved once and holds for the same bytes again, until the issuer's next version.

A service presents the same credentials in the same form, thousands of times. The first time they
are decoded, digested and compared (RFC 6749 section 2.3.1) and the grant is decided; from then on
they are recognised by a keyed hash. Nothing can outlive a change: each version of an issuer begins
with none (see ServedIssuer), and a secret that ends by itself says when.

Only what was right is remembered, so a wrong secret, an unknown client and a disabled one go the
same long way each time.
"""

from hashlib import blake2b

import msgspec

from data_plane.protocol.access_token import TokenTemplate
from shared.domain.bounded import keep
from shared.domain.client import Client

_MAXIMUM_KEPT = 2_000  # credentials of one issuer
_MAXIMUM_TEMPLATES = 16  # different token requests of one client
_NEVER = 1 << 62


class ProvedClient(msgspec.Struct, kw_only=True):
    """A client whose secret was right, and the decisions on what it asked with it."""

    client: Client
    digest: bytes  # of the secret that it used
    until: int = _NEVER  # seconds since the epoch: when that secret ends
    templates: dict[bytes, TokenTemplate] = {}  # by the hash of the form

    def remember(self, form: bytes, template: TokenTemplate) -> None:
        keep(self.templates, form, template, _MAXIMUM_TEMPLATES)


class ProvedClients:
    """Those of one version of an issuer, by the hash of the bytes in which they were presented."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[bytes, ProvedClient] = {}

    def get(self, presented: bytes, now: int) -> ProvedClient | None:
        found = self._held.get(presented)
        return found if found is not None and now < found.until else None

    def remember(self, presented: bytes, proved: ProvedClient) -> None:
        keep(self._held, presented, proved, _MAXIMUM_KEPT)


class KeyedHash:
    """Names bytes that may hold a secret, so that the secret itself is kept nowhere."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, octets: bytes) -> bytes:
        return blake2b(octets, key=self._key, digest_size=16).digest()
