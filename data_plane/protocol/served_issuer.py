"""An issuer as one worker serves it: its snapshot, and what is worth preparing once for it."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from data_plane.protocol.document import Document, document
from data_plane.protocol.key_set import key_set
from data_plane.protocol.metadata import metadata
from data_plane.protocol.proved import ProvedClients
from data_plane.protocol.revocation import DenySet
from shared.domain.client import Client
from shared.domain.ids import ClientId, Kid, TenantId
from shared.domain.issuer import issuer_url
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import IssuerSnapshot, KeyState, SigningKey, TenantStatus


class ServedIssuer(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A version of an issuer. The next version is another object, with no client remembered:

    so a client that was read before a change can only ever be kept by the version before it. A
    worker holds thousands, so what only some of them need is made when it is first asked for.
    """

    snapshot: IssuerSnapshot
    issuer: str
    current_keys: Mapping[Algorithm, SigningKey]
    revoked: DenySet
    clients: dict[ClientId, Client]  # those seen
    unknown_clients: dict[ClientId, None]  # apart, so that guesses push no client out
    proved: ProvedClients

    @cached_property
    def jwks(self) -> Document:
        return document(key_set(self.snapshot))

    @cached_property
    def metadata(self) -> Document:
        return document(metadata(self.issuer, self.snapshot))

    @cached_property
    def keys(self) -> Mapping[Kid, SigningKey]:
        return {key.kid: key for key in self.snapshot.signing_keys}

    @property
    def tenant_id(self) -> TenantId:
        return self.snapshot.tenant_id

    @property
    def status(self) -> TenantStatus:
        return self.snapshot.status


def serve_issuer(snapshot: IssuerSnapshot, public_url: str, revoked: DenySet) -> ServedIssuer:
    keys = snapshot.signing_keys
    return ServedIssuer(
        snapshot=snapshot,
        issuer=issuer_url(public_url, snapshot.slug),
        current_keys={key.algorithm: key for key in keys if key.state is KeyState.CURRENT},
        revoked=revoked,
        clients={},
        unknown_clients={},
        proved=ProvedClients(),
    )
