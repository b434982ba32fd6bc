"""The tables of our own staff, in schema `control`: accounts, sessions, grants and their audit log.

The support login reads and writes them; what a row says of somebody's rights (role, e-mail, whether
they are disabled) only the control login may change, which is a command on the machine.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)

from shared.runtime.tables.control import metadata
from shared.runtime.tables.tenant import event_columns

_NOW = text("now()")


def _staff() -> Column[str]:
    of = ForeignKey("control.staff.id", ondelete="CASCADE")
    return Column("staff_id", Text, of, nullable=False)


staff = Table(
    "staff",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),  # as people.rules.normal_email gives it
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),  # argon2id; with totp_sealed or not at all
    Column("totp_sealed", LargeBinary),
    Column("totp_last_step", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("signed_in_at", DateTime(timezone=True)),
    Column("disabled_at", DateTime(timezone=True)),
)

staff_passkey = Table(
    "staff_passkey",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    _staff(),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("used_at", DateTime(timezone=True)),
    Index("ix_staff_passkey_staff_id", "staff_id"),
)

# By which somebody sets up how they sign in: good once.
staff_link = Table(
    "staff_link",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    _staff(),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_staff_link_staff_id", "staff_id"),
)

staff_session = Table(
    "staff_session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of what the cookie holds
    Column("public_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    _staff(),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("stepped_up_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Index("ix_staff_session_staff_id", "staff_id"),
    Index("ix_staff_session_ends_at", "ends_at"),
)

# That one of the staff may see one account for a while, and why.
support_grant = Table(
    "support_grant",
    metadata,
    Column("id", Text, primary_key=True),
    _staff(),
    Column(
        "account_id", Text, ForeignKey("control.account.id", ondelete="CASCADE"), nullable=False
    ),
    Column("reason", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),  # before its time
    Index("ix_support_grant_staff_id", "staff_id", "account_id"),
    Index("ix_support_grant_account_id", "account_id"),
)

# The staff audit. Chained (control_plane/audit): rows are added and read, never changed.
staff_event = Table("staff_event", metadata, *event_columns())

# What the support login may have the jobs do: control.support_defer lets nothing else through.
support_task = Table(
    "support_task",
    metadata,
    Column("task", Text, primary_key=True),
    Column("queue", Text, nullable=False),
)
