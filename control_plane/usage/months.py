"""Months and days of usage: what is counted of them, and which are rolled up and kept. Pure."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import msgspec

from shared.domain.refused import Refused

_DAY = timedelta(days=1)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_LATEST = 31 * _DAY  # what waited longer in a spool is set aside (BATCH_DAYS)
_KEPT_MONTHS = 25  # of usage: this month, and two years to compare it with
SECONDS_OF_DAY = 86_400
EAGER = 3  # tokens for each lifetime: who asks for more has no use of most of them
DRAWN = 5  # clients, or APIs, of a chart; the others are one series
ISSUED, INTROSPECTED, LIMITED = "issued", "introspected", "limited"
REFUSED = "refused:"  # and the wire code
_OF_LIMITS = f"{REFUSED}too_many_requests"  # what is limited is counted apart


class InvalidMonth(Refused):
    """It is no month."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How often something happened in a month."""

    client_id: str
    api: str
    event: str
    count: int


class Span(msgspec.Struct, frozen=True):
    """The days from `first` to before `following`, in UTC."""

    first: date
    following: date

    @property
    def is_of_months(self) -> bool:
        """Tell whether it is of whole months."""
        return self.first.day == 1 == self.following.day


class Total(msgspec.Struct, frozen=True):
    """A sum of counts, and what it is of, such as a day and an event."""

    of: tuple[str, ...]
    count: int


class EagerClient(msgspec.Struct, frozen=True, kw_only=True):
    """One that asks for far more tokens than expire."""

    client_id: str
    name: str
    api: str
    tokens: int  # on its busiest day
    lifetime: int  # seconds

    @property
    def enough(self) -> int:
        """How many tokens would do, for one that keeps each until it expires."""
        return -(-SECONDS_OF_DAY // self.lifetime)


class MonthUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What a month's page shows; the totals are the greatest first."""

    days: list[str]
    counts: list[Total]  # of day, API and event
    clients: list[Total]  # tokens of a client
    of_clients: list[Total]  # of client and day, of those with the most tokens
    names: dict[str, str]  # of the clients, by id

    def counted(self, *events: str, prefix: str = "") -> dict[str, int]:
        """Count by day what is one of the events, or begins so."""
        found = Counter[str]()
        for each in self.counts:
            day, _, event = each.of
            if event in events or (prefix and event.startswith(prefix)):
                found[day] += each.count
        return dict(found)

    def tokens_of_clients(self) -> list[tuple[str, dict[str, int]]]:
        """Count tokens by day, of each of the clients with the most, and of all others."""
        days: dict[str, dict[str, int]] = {}
        for each in self.of_clients:
            client_id, day = each.of
            days.setdefault(client_id, {})[day] = each.count
        return self._drawn(days, self.names)

    def tokens_for_apis(self) -> list[tuple[str, dict[str, int]]]:
        """The same of APIs."""
        days: dict[str, dict[str, int]] = {}
        for each in self.counts:
            day, api, event = each.of
            if event == ISSUED:
                days.setdefault(api, {})[day] = each.count
        return self._drawn(days, {})

    def _drawn(
        self, days: dict[str, dict[str, int]], names: dict[str, str]
    ) -> list[tuple[str, dict[str, int]]]:
        most = sorted(days, key=lambda key: (-sum(days[key].values()), key))[:DRAWN]
        others = Counter(self.counted(ISSUED))
        for key in most:
            others.subtract(days[key])
        named = [(names.get(key) or key or "none that is known", days[key]) for key in most]
        return [*named, ("others", dict(others))] if any(others.values()) else named

    def refused_as(self) -> list[tuple[str, int]]:
        """Count what was refused by its error, the most frequent first."""
        found = Counter[str]()
        for each in self.counts:
            event = _OF_LIMITS if each.of[2] == LIMITED else each.of[2]
            if event.startswith(REFUSED):
                found[event.removeprefix(REFUSED)] += each.count
        return found.most_common()


def read_month(text: str) -> tuple[datetime, datetime]:
    """Give the beginning of the month, such as 2026-11, and of the next. Raises InvalidMonth."""
    found = _MONTH.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise InvalidMonth("a month is written like 2026-11")
    first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
    return first, (first + 32 * _DAY).replace(day=1)


def neighbours(month: str) -> tuple[str, str]:
    """Give the month before it and the month after it."""
    first, following = read_month(month)
    return f"{first - _DAY:%Y-%m}", f"{following:%Y-%m}"


def month_span(month: str) -> Span:
    """Raises InvalidMonth."""
    first, following = read_month(month)
    return Span(first.date(), following.date())


def days_of(span: Span) -> list[str]:
    """Name its days, such as 2026-11-27."""
    days = (span.following - span.first).days
    return [f"{span.first + number * _DAY}" for number in range(days)]


def last_week(span: Span, today: date) -> Span:
    """Give the last seven days of the span that have begun."""
    following = min(span.following, today + _DAY)
    return Span(max(span.first, following - 7 * _DAY), following)


def begin_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def days_to_roll(until: datetime, today: date) -> list[date]:
    """Name the days to be rolled up now, the oldest first; the hours before `until` have been once.

    A token that waited in a spool is counted late: mostly by minutes, so today and yesterday are
    rolled up again and again; at the utmost by a month, so once a day all of a month are.
    """
    rolled = until.astimezone(UTC).date()
    first = today - _LATEST if rolled < today else today - _DAY
    first = min(first, rolled)
    return [first + number * _DAY for number in range((today - first).days + 1)]


def oldest_day(today: datetime, days: int) -> datetime:
    """Give the first day that is kept."""
    return today - days * _DAY


def oldest_month(today: datetime, days: int) -> datetime:
    """Give the first month of usage that is kept: it is what finds a client's tokens, too."""
    months = today.year * 12 + today.month - 1 - _KEPT_MONTHS
    of_usage = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    return min(of_usage, oldest_day(today, days).replace(day=1))
