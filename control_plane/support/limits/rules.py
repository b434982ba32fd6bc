"""What may be set for a while in the place of an account's limits, and how they are shown. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from control_plane.accounts.rules import OverrideRow
from shared.domain.limits import MAXIMUM_TOKENS, InvalidLimit, Rate, check_rate
from shared.domain.plan import (
    HeldLimits,
    OverrideField,
    Overrides,
    PlanName,
    counts_of,
    rate_of,
    tokens_of,
)
from shared.domain.refused import Refused

_LONGEST = timedelta(days=366)
_MOST = 1_000_000  # of what is counted

FIELD_NAMES: Mapping[OverrideField, str] = {
    OverrideField.RATE: "Token requests a second",
    OverrideField.TOKENS: "Tokens a month",
    OverrideField.LIVE_TENANTS: "Live tenants",
    OverrideField.TEST_TENANTS: "Test tenants",
    OverrideField.CLIENTS: "Clients",
    OverrideField.APIS: "APIs",
    OverrideField.MEMBERS: "Members",
}


class OverrideRefused(Refused):
    """The limit cannot be overridden so; the message says why."""


class NewOverride(msgspec.Struct, frozen=True, kw_only=True):
    field: OverrideField
    value: int  # of a rate: token requests a second
    burst: int | None = None  # of a rate: at once
    until: datetime


class ShownLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table; None: nothing bounds it, or nothing is set."""

    field: OverrideField
    name: str
    of_plan: str
    by_contract: str | None
    override: OverrideRow | None
    overridden: str | None
    effective: str

    @property
    def is_bounded(self) -> bool:
        return self.of_plan != _UNBOUNDED or self.field in _ALWAYS


_UNBOUNDED = "no limit"
_ALWAYS = (OverrideField.RATE, OverrideField.TOKENS)  # may be bounded although the plan does not


def read_field(text: str) -> OverrideField:
    """Raises OverrideRefused."""
    try:
        return OverrideField(text)
    except ValueError:
        raise OverrideRefused("choose a limit") from None


def read_override(field: str, value: str, burst: str, until: str, now: datetime) -> NewOverride:
    """Read what was typed; `until` is in UTC, such as 2026-11-28T04:30. Raises OverrideRefused."""
    what = read_field(field)
    number = _number(value, FIELD_NAMES[what])
    if what is not OverrideField.RATE:
        return NewOverride(field=what, value=number, until=_until(until, now))
    at_once = _number(burst, "The burst") if burst.strip() else 2 * number
    return NewOverride(field=what, value=number, burst=at_once, until=_until(until, now))


def check_override(account: HeldLimits, new: NewOverride, now: datetime) -> None:
    """Raises OverrideRefused."""
    if account.plan is PlanName.OPERATOR:
        raise OverrideRefused("the operator's account has no limits, and support sets it none")
    if not now < new.until <= now + _LONGEST:
        raise OverrideRefused("an override ends in the future, and within a year")
    try:
        _check_value(new)
    except InvalidLimit as refusal:
        raise OverrideRefused(str(refusal)) from None


def table_of(account: HeldLimits, live: Mapping[OverrideField, OverrideRow]) -> list[ShownLimit]:
    """Give each limit: default, contract, override, and what comes of it."""
    plan = HeldLimits(plan=account.plan)
    agreed = msgspec.structs.replace(account, overrides=Overrides())
    lines = []
    for field, read in _READ.items():
        by_default, by_contract = read(plan), read(agreed)
        row = live.get(field)
        lines.append(
            ShownLimit(
                field=field,
                name=FIELD_NAMES[field],
                of_plan=by_default,
                by_contract=None if by_contract == by_default else by_contract,
                override=row,
                overridden=None if row is None else _written(_rate_or_count(row)),
                effective=read(account),
            )
        )
    return lines


def _check_value(new: NewOverride) -> None:
    match new.field:
        case OverrideField.RATE:
            check_rate(Rate(new.value, new.burst or 0))
        case OverrideField.TOKENS:
            _check_between(new, 1, MAXIMUM_TOKENS)
        case OverrideField.MEMBERS:
            _check_between(new, 1, _MOST)
        case _:
            _check_between(new, 0, _MOST)


def _check_between(new: NewOverride, low: int, high: int) -> None:
    if not low <= new.value <= high:
        raise InvalidLimit(f"{FIELD_NAMES[new.field]}: from {low} to {high:,}")


def _number(text: str, what: str) -> int:
    plain = text.strip().replace(",", "").replace("_", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= len(str(MAXIMUM_TOKENS))):
        raise OverrideRefused(f"{what}: a whole number")
    return int(plain)


def _until(text: str, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
    except ValueError:
        example = f"{now + timedelta(days=7):%Y-%m-%dT%H:%M}"
        raise OverrideRefused(f"say until when, in UTC, such as {example}") from None


def _rate_or_count(row: OverrideRow) -> Rate | int:
    return row.value if row.burst is None else Rate(row.value, row.burst)


def _written(limit: Rate | int | None) -> str:
    if limit is None:
        return _UNBOUNDED
    if isinstance(limit, Rate):
        return f"{limit.per_second:,} (burst {limit.burst:,})"
    return f"{limit:,}"


def _count(field: OverrideField) -> Callable[[HeldLimits], str]:
    def read(account: HeldLimits) -> str:
        counts = counts_of(account)
        return _written(None if counts is None else getattr(counts, field))

    return read


_READ: Mapping[OverrideField, Callable[[HeldLimits], str]] = {
    OverrideField.RATE: lambda account: _written(rate_of(account)),
    OverrideField.TOKENS: lambda account: _written(tokens_of(account)),
    **{field: _count(field) for field in OverrideField if field not in _ALWAYS},
}
