"""Revocation, RFC 7009: which token is meant, the set of what is refused, and its feed."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.document import Document, document
from data_plane.protocol.errors import InvalidRequest
from shared.domain.client import Client
from shared.domain.ids import ClientId


class RevocationKind(StrEnum):
    TOKEN = "token"
    CLIENT = "client"
    TENANT = "tenant"


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """One refusal. `not_before` counts for a client or tenant: tokens issued until then."""

    kind: RevocationKind
    subject: str  # jti, client_id, or '' for the whole tenant
    not_before: int  # seconds since the epoch
    expires_at: int  # seconds since the epoch; nothing that it refuses lives longer


class NothingToRevoke(msgspec.Struct, frozen=True):
    """Section 2.2: a token that is unknown here is as good as revoked."""


RevocationDecision: TypeAlias = Revocation | NothingToRevoke


class DenyFeed(msgspec.Struct, frozen=True, kw_only=True):
    """What a resource server that verifies offline must refuse; times are seconds since the epoch.

    A token is refused that is named, or whose `iat` is not after its client's or the issuer's mark.
    """

    tokens: dict[str, int]  # jti -> the token's expiry
    clients: dict[str, int]  # client_id -> not before
    not_before: int  # of the issuer; 0 where there is no mark


class DenySet:
    """A tenant's revocations that can still matter, in memory."""

    __slots__ = ("_clients", "_feed", "_tenant_not_before", "_tokens")

    def __init__(self) -> None:
        self._feed: Document | None = None  # made when it is asked for, until something changes
        self._tokens: dict[str, int] = {}  # jti -> the token's expiry
        self._clients: dict[ClientId, Revocation] = {}
        self._tenant_not_before = 0

    def add(self, new: Revocation) -> None:
        """Take one in; of two marks on one client or tenant the later wins, in any order."""
        self._feed = None
        match new.kind:
            case RevocationKind.TOKEN:
                self._tokens[new.subject] = max(self._tokens.get(new.subject, 0), new.expires_at)
            case RevocationKind.CLIENT:
                held = self._clients.get(ClientId(new.subject))
                if held is None or _end(held) < _end(new):
                    self._clients[ClientId(new.subject)] = new
            case RevocationKind.TENANT:
                self._tenant_not_before = max(self._tenant_not_before, new.not_before)

    def denies(self, claims: AccessTokenClaims) -> bool:
        """Tell whether the token is refused. In doubt, within the second of a mark, it is."""
        if claims.jti in self._tokens or claims.iat <= self._tenant_not_before:
            return True
        mark = self._clients.get(claims.client_id)
        return mark is not None and claims.iat <= mark.not_before

    def feed(self) -> Document:
        """Give the same bytes in every worker that has heard of the same."""
        if self._feed is None:
            marks = {each: mark.not_before for each, mark in self._clients.items()}
            self._feed = document(
                DenyFeed(
                    tokens=dict(sorted(self._tokens.items())),
                    clients=dict(sorted(marks.items())),
                    not_before=self._tenant_not_before,
                )
            )
        return self._feed

    def forget_expired(self, now: int) -> None:
        self._feed = None
        self._tokens = {jti: until for jti, until in self._tokens.items() if until > now}
        self._clients = {
            each: mark for each, mark in self._clients.items() if mark.expires_at > now
        }

    def __len__(self) -> int:
        return len(self._tokens) + len(self._clients) + bool(self._tenant_not_before)


def _end(mark: Revocation) -> tuple[int, int]:
    return mark.not_before, mark.expires_at


def decide(claims: AccessTokenClaims | None, client: Client, *, now: int) -> RevocationDecision:
    """Decide on a token that this issuer signed, or None for any other text (sections 2.1, 2.2)."""
    if claims is None or claims.exp <= now:
        return NothingToRevoke()
    if claims.client_id != client.client_id:
        raise InvalidRequest("the token was issued to another client")
    return Revocation(
        kind=RevocationKind.TOKEN, subject=claims.jti, not_before=now, expires_at=claims.exp
    )
