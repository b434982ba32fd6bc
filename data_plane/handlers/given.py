"""What the composition root gives to the handlers: every outside thing that they may touch."""

from collections.abc import Callable

import msgspec

from data_plane.ports import (
    Clients,
    Clock,
    Issuers,
    KeySets,
    Ledger,
    Limits,
    NewTokenId,
    Readiness,
    Refusals,
    Replays,
    Revocations,
    SecretUses,
    SignedRequests,
    Signer,
    Usage,
    Verifier,
    WrongSecrets,
)
from data_plane.protocol.client_authentication import Peppers
from data_plane.protocol.proved import KeyedHash
from data_plane.protocol.verified import VerifiedTokens


class Given(msgspec.Struct, frozen=True, kw_only=True):
    issuers: Issuers
    clients: Clients
    ledger: Ledger
    usage: Usage
    refusals: Refusals
    replays: Replays
    secret_uses: SecretUses
    wrong_secrets: WrongSecrets
    limits: Limits
    revocations: Revocations
    signer: Signer
    verifier: Verifier
    key_sets: KeySets
    signed_requests: SignedRequests
    readiness: Readiness
    clock: Clock
    new_token_id: NewTokenId
    new_request_id: Callable[[], str]
    keyed_hash: KeyedHash
    verified: VerifiedTokens
    peppers: Peppers
    management_audience: str  # the `aud` of management tokens
