"""Whether a token request is within the limits of its plan, its tenant and its client.

On the path of every request: what is constant is prepared once for each version of a tenant's
limits, and nothing here waits, unless a lease (rates) or a count (quotas) is not at hand.
"""

import time
from collections.abc import Callable
from typing import Literal

import msgspec

from data_plane.limits.quotas import MonthlyQuotas
from data_plane.limits.rates import LeasedMeter, Meter, OwnMeter, Ticks
from data_plane.ports import Clock, Leases, Usage
from data_plane.protocol.errors import TooManyRequests
from data_plane.protocol.rate_limit import (
    Admission,
    lines_to_fill,
    month_policy,
    rate_policy,
)
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.bounded import keep
from shared.domain.bucket import SECOND
from shared.domain.client import Client
from shared.domain.ids import ClientId, TenantId
from shared.domain.limits import Rate, TenantLimits, month_of
from shared.domain.snapshot import IssuerSnapshot

_MAXIMUM_KEPT = 10_000  # tenants, and as many clients that have a limit of their own
_UNLIMITED = Admission(b"")

LimitName = Literal["rate", "client", "month"]
ObserveLimited = Callable[[LimitName, bool], None]  # which limit, and whether it was only observed

_REFUSALS: dict[LimitName, str] = {
    "rate": "the plan's rate of token requests is exceeded: try again later",
    "client": "the client's rate of token requests is exceeded: try again later",
    "month": "the plan's tokens of this month are used up",
}


class _Tenant(msgspec.Struct):
    """What is prepared for a version of a tenant's limits, until the month ends."""

    limits: TenantLimits
    meter: Meter | None
    month: str
    ends_at: int  # the month, in seconds since the epoch
    announced: int | None  # tokens of the month that clients are told of
    policies: tuple[str, ...]
    lines: bytes  # what is told of them, but for what is left


class _Client(msgspec.Struct):
    """A limit of a client's own, and what is told of it."""

    rate: Rate
    meter: Meter
    policy: str


class _Asked(msgspec.Struct):
    """A request, and the limits that it has to be within."""

    snapshot: IssuerSnapshot
    client: Client
    held: _Tenant
    own: _Client | None
    now: int  # ticks
    second: int  # since the epoch


class PlanLimits:
    def __init__(
        self,
        quotas: MonthlyQuotas,
        usage: Usage,
        observe: ObserveLimited,
        clock: Clock,
        *,
        leases: Leases | None = None,
        ticks: Ticks = time.monotonic_ns,
    ) -> None:
        """Without `leases` each worker keeps to the rates by itself."""
        self._quotas = quotas
        self._usage = usage
        self._observe = observe
        self._clock = clock
        self._leases = leases
        self._ticks = ticks
        self._tenants: dict[TenantId, _Tenant] = {}
        self._clients: dict[tuple[TenantId, ClientId], _Client] = {}

    def __len__(self) -> int:
        return len(self._tenants) + len(self._clients)

    def admit_at_once(self, issuer: ServedIssuer, client: Client) -> Admission | None:
        asked = self._prepared(issuer.snapshot, client)
        if asked is None:
            return _UNLIMITED
        month, issued = asked.held.limits.month, 0
        if month is not None:
            account = issuer.snapshot.account_id
            at_hand = self._quotas.issued_at_hand(account, asked.held.month, month.included)
            if at_hand is None:
                return None
            issued = at_hand
        over = _take(asked, issued)
        meter = None if over is None else _meter_of(over, asked)
        if meter is not None and not meter.is_sure(asked.now):
            return None
        return self._decided(asked, over, issued)

    async def admit(self, issuer: ServedIssuer, client: Client) -> Admission:
        asked = self._prepared(issuer.snapshot, client)
        if asked is None:
            return _UNLIMITED
        month, issued = asked.held.limits.month, 0
        if month is not None:
            account = issuer.snapshot.account_id
            issued = await self._quotas.issued(account, asked.held.month, month.included)
        over = _take(asked, issued)
        if over is not None and self._leases is not None:
            over = await _ask(over, asked)
        return self._decided(asked, over, issued)

    def _prepared(self, snapshot: IssuerSnapshot, client: Client) -> _Asked | None:
        """Give what decides on the request; None where nothing limits it."""
        limits, rate = snapshot.limits, client.rate
        if rate is None and limits.rate is None and limits.month is None:
            return None
        now, second = self._ticks(), self._clock()
        held = self._tenants.get(snapshot.tenant_id)
        if held is None or held.limits is not limits or second >= held.ends_at:
            held = self._prepare(snapshot, held, now, second)
        own = None if rate is None else self._of_client(snapshot.tenant_id, client, rate, now)
        return _Asked(snapshot, client, held, own, now, second)

    def _decided(self, asked: _Asked, over: LimitName | None, issued: int) -> Admission:
        admission = Admission(_told(asked, issued))
        if over is not None:
            seconds = _wait(over, asked) or asked.held.ends_at - asked.second
            self._refuse(TooManyRequests(_REFUSALS[over], seconds, admission.headers), over, asked)
        return admission

    def _refuse(self, refusal: TooManyRequests, over: LimitName, asked: _Asked) -> None:
        """Raise the refusal or, where limits are only observed, count it."""
        snapshot, client = asked.snapshot, asked.client
        observed = snapshot.limits.observed
        self._observe(over, observed)
        if not observed:
            raise refusal
        api = client.default_api or ""
        self._usage.count(snapshot.tenant_id, client.client_id, api, "observed_limited")

    async def drain(self) -> None:
        """Return once nothing is being recorded any more: for the end of the process."""
        await self._quotas.drain()

    def _prepare(
        self, snapshot: IssuerSnapshot, held: _Tenant | None, now: int, second: int
    ) -> _Tenant:
        """Make ready for this version of the limits; what the rate has taken stays taken."""
        limits, month = snapshot.limits, month_of(second)
        meter = held.meter if held is not None else None
        if limits.rate is None:
            meter = None
        elif meter is None:
            meter = self._meter(snapshot.tenant_id, "", limits.rate)
        else:
            meter.change(limits.rate, now)
        policies = (
            *((rate_policy("rate", limits.rate),) if limits.rate else ()),
            *((month_policy(limits.month, month.seconds),) if limits.month else ()),
        )
        made = _Tenant(
            limits=limits,
            meter=meter,
            month=month.name,
            ends_at=month.ends_at,
            announced=limits.month.announced if limits.month else None,
            policies=policies,
            lines=lines_to_fill(policies),
        )
        keep(self._tenants, snapshot.tenant_id, made, _MAXIMUM_KEPT)
        return made

    def _of_client(self, tenant: TenantId, client: Client, rate: Rate, now: int) -> _Client:
        name = tenant, client.client_id
        held = self._clients.get(name)
        if held is None:
            meter = self._meter(*name, rate)
            held = _Client(rate, meter, rate_policy("client", rate))
            keep(self._clients, name, held, _MAXIMUM_KEPT)
        elif held.rate != rate:
            held.meter.change(rate, now)
            held.rate, held.policy = rate, rate_policy("client", rate)
        return held

    def _meter(self, tenant: TenantId, client_id: str, rate: Rate) -> Meter:
        if self._leases is None:
            return OwnMeter(rate)
        return LeasedMeter(self._leases, (tenant, client_id), rate, ticks=self._ticks)


def _take(asked: _Asked, issued: int) -> LimitName | None:
    """Take the request from every limit, or from none: then name the one that it is over."""
    month, meter, own, now = asked.held.limits.month, asked.held.meter, asked.own, asked.now
    if month is not None and issued >= month.allowed:
        return "month"
    if own is not None and not own.meter.take(now):
        return "client"
    if meter is not None and not meter.take(now):
        if own is not None:
            own.meter.give_back()
        return "rate"
    return None


async def _ask(over: LimitName, asked: _Asked) -> LimitName | None:
    """Take it after all where no limit is reached, but a lease is used up."""
    meter, own, now = asked.held.meter, asked.own, asked.now
    if over == "month":
        return over
    if own is not None and not (own.meter.take(now) or await own.meter.ask()):
        return "client"
    if meter is not None and not (meter.take(now) or await meter.ask()):
        if own is not None:
            own.meter.give_back()
        return "rate"
    return None


def _meter_of(over: LimitName, asked: _Asked) -> Meter | None:
    """Give what measures that limit; None: it is not a rate."""
    own = asked.own.meter if asked.own else None
    return {"rate": asked.held.meter, "client": own, "month": None}[over]


def _wait(over: LimitName, asked: _Asked) -> int:
    """Tell after how many whole seconds a rate is worth another try; 0: it is not a rate."""
    meter = _meter_of(over, asked)
    return 0 if meter is None else max(1, -(-meter.wait(asked.now) // SECOND))


def _told(asked: _Asked, issued: int) -> bytes:
    """Tell what is left, in the order of the policies."""
    held, own = asked.held, asked.own
    left = () if held.meter is None else held.meter.left(asked.now)
    if held.announced is not None:
        left = (*left, max(held.announced - issued, 0), held.ends_at - asked.second)
    if own is None:
        return held.lines % left
    return lines_to_fill((*held.policies, own.policy)) % (*left, *own.meter.left(asked.now))
