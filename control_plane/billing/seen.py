"""What we read of Stripe's objects; everything else of them is left out. Pure."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

METERED = "metered"


class Status(StrEnum):
    """Of a subscription, in Stripe's words."""

    INCOMPLETE = "incomplete"  # its first payment has not come about
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


OVER = {Status.CANCELED, Status.INCOMPLETE_EXPIRED}


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    interval: str  # month | year
    usage_type: str = "licensed"  # or metered
    meter: str | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    lookup_key: str | None = None
    metadata: dict[str, str] = {}
    recurring: Recurring | None = None
    product: str = ""
    unit_amount_decimal: Decimal | None = None  # US cents
    active: bool = True

    @property
    def is_metered(self) -> bool:
        return self.recurring is not None and self.recurring.usage_type == METERED


class Item(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    price: Price
    current_period_start: int  # seconds since 1970, as all of Stripe's times
    current_period_end: int


class _Items(msgspec.Struct, frozen=True):
    data: list[Item]


class _PhaseItem(msgspec.Struct, frozen=True):
    price: str | Price  # whole where it was asked to be


class _Phase(msgspec.Struct, frozen=True, kw_only=True):
    start_date: int
    end_date: int | None = None
    items: list[_PhaseItem] = []


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str
    phases: list[_Phase] = []


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as Stripe shows it."""

    id: str
    customer: str
    status: Status
    created: int
    items: _Items
    cancel_at_period_end: bool = False
    trial_end: int | None = None
    default_payment_method: str | None = None
    schedule: Schedule | str | None = None

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def licensed(self) -> Item | None:
        """The item that is the plan; the other one is of the tokens over it."""
        return next((each for each in self.items.data if not each.price.is_metered), None)

    @property
    def metered(self) -> Item | None:
        return next((each for each in self.items.data if each.price.is_metered), None)


class _Span(msgspec.Struct, frozen=True):
    start: int
    end: int


class _PriceDetails(msgspec.Struct, frozen=True):
    price: str = ""


class _Pricing(msgspec.Struct, frozen=True):
    price_details: _PriceDetails | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    period: _Span
    quantity: int | None = None
    pricing: _Pricing | None = None

    @property
    def price(self) -> str:
        details = self.pricing.price_details if self.pricing else None
        return details.price if details else ""


class _Lines(msgspec.Struct, frozen=True):
    data: list[Line] = []


class SeenInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as Stripe shows it; amounts in the smallest unit of its currency."""

    id: str
    customer: str
    status: str  # draft | open | paid | uncollectible | void
    currency: str
    total: int
    amount_due: int = 0
    created: int
    period_start: int
    period_end: int
    number: str | None = None
    hosted_invoice_url: str | None = None
    invoice_pdf: str | None = None
    attempt_count: int = 0
    next_payment_attempt: int | None = None
    lines: _Lines = _Lines()


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def maybe_at(seconds: int | None) -> datetime | None:
    return None if seconds is None else at(seconds)
