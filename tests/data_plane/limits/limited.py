"""Limits in one process: issuers, clients, counts and clocks that a test sets."""

import time
from collections.abc import Sequence
from secrets import token_bytes, token_hex
from typing import Literal

import msgspec

from data_plane.limits.admission import PlanLimits
from data_plane.limits.quotas import MonthlyQuotas
from data_plane.ports import Leases
from data_plane.protocol.errors import TemporarilyUnavailable, TooManyRequests
from data_plane.protocol.revocation import DenySet
from data_plane.protocol.served_issuer import ServedIssuer, serve_issuer
from shared.domain.client import Client
from shared.domain.ids import ClientId, TenantId, tenant_id
from shared.domain.limits import Rate, TenantLimits
from shared.domain.snapshot import IssuerSnapshot, TenantStatus

NOVEMBER = 1_793_491_200  # 2026-11-01T00:00:00Z, in seconds since the epoch
SECOND = 1_000_000_000


class World:
    """What the limits are given: clocks, counts, and memories of what they said."""

    def __init__(self) -> None:
        self.now = NOVEMBER
        self.ticks = 10**15
        self.issued: dict[tuple[str, str], int] = {}
        self.recorded: list[tuple[str, str, int]] = []
        self.database_is_down = False
        self.events: list[tuple[TenantId, ClientId, str, str]] = []
        self.observed: list[tuple[str, bool]] = []

    def at_hand(self, account: str, month: str) -> int | None:
        return self.issued.get((account, month))

    async def of_month(self, account: str, month: str) -> int:
        return self.issued.get((account, month), 0)

    async def reach(self, account: str, month: str, percents: Sequence[int]) -> tuple[int, ...]:
        if self.database_is_down:
            raise TemporarilyUnavailable("down")
        new = tuple(each for each in percents if (account, month, each) not in self.recorded)
        self.recorded += [(account, month, each) for each in new]
        return new

    def count(self, tenant: TenantId, client_id: ClientId, api: str, event: str) -> None:
        self.events.append((tenant, client_id, api, event))

    def observe(self, limit: Literal["rate", "client", "month"], observed: bool) -> None:  # noqa: FBT001 - as the port has it
        self.observed.append((limit, observed))

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds)
        self.ticks += int(seconds * SECOND)

    @classmethod
    def on_real_clocks(cls) -> PlanLimits:
        """Make limits whose clocks are those of the data plane."""
        world = cls()
        quotas = MonthlyQuotas(world, world)
        return PlanLimits(quotas, world, lambda *_: None, lambda: int(time.time()))

    def limits(self, leases: Leases | None = None) -> PlanLimits:
        quotas = MonthlyQuotas(self, self, lambda: self.ticks / SECOND)
        return PlanLimits(
            quotas,
            self,
            self.observe,
            lambda: self.now,
            leases=leases,
            ticks=lambda: self.ticks,
        )


def new_issuer(limits: TenantLimits, account: str = "a_acme") -> ServedIssuer:
    snapshot = IssuerSnapshot(
        tenant_id=tenant_id(token_bytes(8)),
        slug="acme",
        account_id=account,
        version=1,
        status=TenantStatus.ACTIVE,
        signing_keys=(),
        scopes=(),
        limits=limits,
    )
    return serve_issuer(snapshot, "https://id.example", DenySet())


def next_version(issuer: ServedIssuer, limits: TenantLimits) -> ServedIssuer:
    snapshot = msgspec.structs.replace(
        issuer.snapshot, version=issuer.snapshot.version + 1, limits=limits
    )
    return serve_issuer(snapshot, "https://id.example", DenySet())


def new_client(rate: Rate | None = None) -> Client:
    return Client(
        client_id=ClientId(f"c_{token_hex(8)}"),
        enabled=True,
        secrets=(),
        apis=(),
        default_api="https://api.example",
        rate=rate,
    )


async def admitted(limits: PlanLimits, issuer: ServedIssuer, client: Client, times: int) -> int:
    """Ask so many times; tell how often it was let pass."""
    passed = 0
    for _ in range(times):
        try:
            await limits.admit(issuer, client)
            passed += 1
        except TooManyRequests:
            pass
    return passed
