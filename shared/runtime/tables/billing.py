"""The tables of schema `control` that billing keeps. Their truth is migrations/control."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from shared.runtime.tables.control import metadata


def _account() -> Column[str]:
    of = ForeignKey("control.account.id", ondelete="CASCADE")
    return Column("account_id", Text, of, nullable=False)


# Its row is locked while Stripe is asked about the account: what was asked first is written first.
billing_customer = Table(
    "billing_customer",
    metadata,
    Column(
        "account_id", Text, ForeignKey("control.account.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("customer_id", Text, nullable=False, unique=True),  # at Stripe
    Column("given_plan", Text),  # what billing made the account's plan last
    Column("changes", BigInteger, nullable=False, server_default=text("0")),  # of these books
    Column("trialed_at", DateTime(timezone=True)),
    Column("refreshed_at", DateTime(timezone=True)),  # when Stripe was last asked
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("status", Text, nullable=False),
    Column("plan", Text),  # null: of no price of ours
    Column("interval", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("period_start", DateTime(timezone=True)),
    Column("period_end", DateTime(timezone=True)),
    Column("cancel_at_period_end", Boolean, nullable=False),
    Column("scheduled_plan", Text),
    Column("scheduled_interval", Text),
    Column("trial_end", DateTime(timezone=True)),
    Column("past_due_since", DateTime(timezone=True)),
    Index("ix_subscription_account_id", "account_id"),
)

invoice = Table(
    "invoice",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("number", Text),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("amount_due", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("period_start", DateTime(timezone=True), nullable=False),
    Column("period_end", DateTime(timezone=True), nullable=False),
    Column("hosted_url", Text),
    Column("pdf_url", Text),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True)),
    Index("ix_invoice_account_id", "account_id", "created_at"),
)

# Of which account a purchase is: by these alone, never by what a session says of itself.
checkout_session = Table(
    "checkout_session",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_checkout_session_account_id", "account_id"),
)

# Written before it is handled, once for each id however often it is delivered.
stripe_event = Table(
    "stripe_event",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("handled_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("customer_id", Text),  # at Stripe, whom it is about
    Column("fetched", Boolean, nullable=False, server_default=text("false")),  # never delivered
    Column("tries", Integer, nullable=False, server_default=text("0")),  # that failed
    Column("error", Text),  # of the last one
    Column("replay_asked_at", DateTime(timezone=True)),
    Column("ignored_at", DateTime(timezone=True)),  # by staff: nothing comes of it meanwhile
    Column("ignored_by", Text),
    Column("ignored_reason", Text),
    Index("ix_stripe_event_unhandled", "received_at", postgresql_where=text("handled_at IS NULL")),
    Index("ix_stripe_event_received_at", "received_at", "id"),
    Index("ix_stripe_event_customer_id", "customer_id", "received_at"),
)

# How far an account's tokens of a month are counted. What was included when they were counted last
# says which are over it: a plan that changes later changes nothing of a month that has ended.
metered_month = Table(
    "metered_month",
    metadata,
    Column(
        "account_id", Text, ForeignKey("control.account.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("month", Text, primary_key=True),  # such as 2026-11
    Column("counted", BigInteger, nullable=False),
    Column("included", BigInteger),  # null: no tokens over the plan are bought
)

# Tokens over the plan, written before they are sent: a second try has the same identifier.
metered_usage = Table(
    "metered_usage",
    metadata,
    Column("identifier", Text, primary_key=True),
    _account(),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Index("ix_metered_usage_account_id", "account_id", "at"),
    Index("ix_metered_usage_unsent", "at", postgresql_where=text("sent_at IS NULL")),
)

# What comparing our count of a period with Stripe's meter and with the invoice came to. All three
# are tokens over the plan.
reconciliation = Table(
    "reconciliation",
    metadata,
    Column(
        "account_id", Text, ForeignKey("control.account.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("starts_at", DateTime(timezone=True), primary_key=True),  # the period
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("ours", BigInteger, nullable=False),
    Column("metered", BigInteger, nullable=False),
    Column("invoiced", BigInteger),  # null: there is no invoice yet
    Column("drift", Double, nullable=False),  # percent of the greatest of them
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_reconciliation_starts_at", "starts_at"),
)

# What was written to an account's people, so that each is written once.
billing_notice = Table(
    "billing_notice",
    metadata,
    Column(
        "account_id", Text, ForeignKey("control.account.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("about", Text, primary_key=True),  # such as threshold 2026-11 80
    Column("queued_at", DateTime(timezone=True), nullable=False),
)
