"""Every outside thing the data plane may touch, and nothing else.

A method that meets a store which is down or slow raises TemporarilyUnavailable, within 500 ms.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import msgspec

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.protocol.once import Once
from data_plane.protocol.rate_limit import Admission
from data_plane.protocol.request_signature import PresentedRequest, RequestSignature
from data_plane.protocol.revocation import Revocation
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.client import Client
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId, TenantId
from shared.domain.jwk import Algorithm
from shared.domain.jws import Jws, OpenedKey
from shared.domain.limits import Rate
from shared.domain.outbound_url import Address
from shared.domain.snapshot import IssuerSnapshot

Clock: TypeAlias = Callable[[], int]  # seconds since the epoch
NewTokenId: TypeAlias = Callable[[], bytes]  # a fresh jti: the 16 octets of a UUIDv7


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the ledger keeps of a token."""

    tenant: TenantId
    account: str
    client_id: ClientId
    api: str  # the first audience
    jti: bytes  # the 16 octets of the UUIDv7
    lifetime: int  # seconds


class RefusedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a request that was refused. Nothing of it is secret."""

    tenant: TenantId
    client_id: str  # as presented, cut to 200 printable characters; "" where there was none
    endpoint: str
    error: str  # the wire code
    reason: str  # the description, which is one of our constants
    address: str
    request_id: str
    at_ms: int  # milliseconds since the epoch


class Published(msgspec.Struct, frozen=True):
    """A version of a tenant's snapshot, without its body."""

    tenant: TenantId
    slug: str
    version: int


class RevocationOf(msgspec.Struct, frozen=True):
    tenant: TenantId
    revocation: Revocation


class News(msgspec.Struct, frozen=True):
    """What was written since the last look, for all tenants; some may have been told before."""

    published: list[Published]
    revoked: list[RevocationOf]


class Feed(Protocol):
    """The news of the control plane and of the other workers."""

    async def open(self, ring: Callable[[], None]) -> None:
        """Connect; `ring` is called whenever there may be news."""
        ...

    async def news(self) -> News: ...

    async def snapshots(self, tenants: list[TenantId]) -> list[IssuerSnapshot]: ...

    async def close(self) -> None: ...


class Issuers(Protocol):
    def at_hand(self, slug: str) -> ServedIssuer | None:
        """Give the issuer of a slug where that needs no reading."""
        ...

    async def get(self, slug: str) -> ServedIssuer | None:
        """Give the issuer of a well-formed slug, or None where there is no such tenant."""
        ...


class Clients(Protocol):
    async def get(self, issuer: ServedIssuer, client_id: ClientId) -> Client | None: ...

    async def of_workload(self, issuer: ServedIssuer, workload_issuer: str) -> tuple[ClientId, ...]:
        """Name the enabled clients that have a rule for JWTs of this outside issuer."""
        ...


class Ledger(Protocol):
    async def record(self, issued: IssuedToken) -> None:
        """Return once the record is committed, or is safe in the spool."""
        ...

    def begin(
        self, issued: IssuedToken, done: Callable[[TemporarilyUnavailable | None], None]
    ) -> None:
        """Call `done` once it is, or cannot be. Raises TemporarilyUnavailable, and never calls."""
        ...


class IssuedCounts(Protocol):
    def at_hand(self, account: str, month: str) -> int | None:
        """Do as `of_month` where that needs no reading."""
        ...

    async def of_month(self, account: str, month: str) -> int:
        """Count the account's tokens in this UTC month ("2026-11").

        Those of all workers as of the last commit or reading, and what waits here. The first time
        costs a reading; while the database is away, what is known here counts.
        """
        ...


class Usage(Protocol):
    def count(self, tenant: TenantId, client_id: ClientId, api: str, event: str) -> None:
        """Count "introspected", "limited", "refused:<error code>" …; nothing waits for it.

        It is written within a second or two, and lost by kill -9.
        """
        ...


class Refusals(Protocol):
    def note(self, refused: RefusedRequest) -> None:
        """Keep it, where the tenant has room this minute; nothing waits for it."""
        ...


class Replays(Protocol):
    async def spend(self, tenant: TenantId, once: Once) -> bool:
        """Tell whether this was the first time, once that is committed."""
        ...


class SecretUses(Protocol):
    def note(self, tenant: TenantId, digest: bytes, address: Address, now: int) -> None:
        """Note that the secret was used; nothing waits for it."""
        ...


class WrongSecrets(Protocol):
    """Guesses at a client's secret, by (tenant, client_id, the caller's site)."""

    def __len__(self) -> int:
        """Give how many guessers are counted: mostly none."""
        ...

    def check_here(self, guesser: tuple[TenantId, ClientId, str], *, known: bool, now: int) -> None:
        """Do as check by what this worker knows alone, for a secret that was proved before."""
        ...

    async def check(
        self, guesser: tuple[TenantId, ClientId, str], *, known: bool, now: int
    ) -> None:
        """Raise TooManyRequests where there were too many; `known`: there is such a client."""
        ...

    async def count(
        self, guesser: tuple[TenantId, ClientId, str], guess: bytes, *, known: bool, now: int
    ) -> None:
        """Count a guess that was wrong, by a digest of it."""
        ...


class Limits(Protocol):
    def admit_at_once(self, issuer: ServedIssuer, client: Client) -> Admission | None:
        """Do as `admit`; None, and nothing taken, where that would have to wait."""
        ...

    async def admit(self, issuer: ServedIssuer, client: Client) -> Admission:
        """Take one token request of a client that has proved itself.

        Raises TooManyRequests, with the same headers, where it is over a limit.
        """
        ...


class Thresholds(Protocol):
    """The shares of a month's tokens that accounts have used."""

    async def reach(self, account: str, month: str, percents: tuple[int, ...]) -> tuple[int, ...]:
        """Record that the account has used so much; give those that were not recorded before."""
        ...


class Lease(msgspec.Struct, frozen=True):
    """What a worker was given of a limit that all workers share."""

    granted: int  # token requests
    left: int  # for other leases
    wait: int  # nanoseconds until there is one more; 0 where some were granted


class Leases(Protocol):
    """Limits that the workers of all machines share. Raises TemporarilyUnavailable."""

    @property
    def usable(self) -> bool:
        """False: nobody answers, and each worker counts for itself."""
        ...

    async def take(self, tenant: TenantId, client_id: str, rate: Rate, most: int) -> Lease:
        """Take up to so many of the limit of a client, or of the tenant where that is ''."""
        ...


class SharedGuesses(Protocol):
    """Wrong secrets that the workers of all machines count together. Raises as Leases."""

    @property
    def usable(self) -> bool: ...

    async def locked_for(self, tenant: TenantId, guesser: bytes) -> int:
        """Tell for how many seconds the guesser is to be refused; 0: it is not."""
        ...

    async def count(self, tenant: TenantId, guesser: bytes, guess: bytes) -> None: ...


class Revocations(Protocol):
    async def add(self, tenant: TenantId, revocation: Revocation) -> None:
        """Return once the revocation is committed."""
        ...


class Signer(Protocol):
    def key(self, issuer: ServedIssuer, algorithm: Algorithm, typ: str) -> OpenedKey:
        """Give the issuer's present key of the algorithm, for tokens of a type."""
        ...

    def verify(self, token: str, issuer: ServedIssuer) -> AccessTokenClaims | None:
        """Give the claims of an access token that this issuer signed; None for any other text."""
        ...


class Verifier(Protocol):
    def verify(self, jws: Jws[Any], algorithm: str, key: ClientJwk) -> bool:
        """Tell whether somebody else's key, used with this algorithm, made the signature."""
        ...


class SignedRequests(Protocol):
    def verify(self, request: PresentedRequest) -> RequestSignature | None:
        """Give the signature of an operator's key, if it is one and covers what it must."""
        ...


class KeySets(Protocol):
    """Others' public keys, read over the network and kept."""

    async def of_uri(self, jwks_uri: str, kid: str | None) -> tuple[ClientJwk, ...]:
        """Give the key set; read anew, if the last try is old enough, where it lacks the kid.

        Empty where it has never been had. Never raises for what the other side does.
        """
        ...

    async def of_issuer(self, issuer: str, kid: str | None) -> tuple[ClientJwk, ...]:
        """The same for an outside issuer, whose metadata names the `jwks_uri`."""
        ...


class Readiness(Protocol):
    def missing(self) -> list[str]:
        """Name what the process cannot reach now."""
        ...

    def started(self) -> bool:
        """Tell whether everything was reached once."""
        ...

    def check_recent(self) -> None:
        """Raise TemporarilyUnavailable where what is held may be older than a minute."""
        ...
