"""The tables of people, members, sessions and attempts, in schema `control`."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.runtime.tables.control import metadata

_NOW = text("now()")


def _person() -> ForeignKey:
    return ForeignKey("control.person.id", ondelete="CASCADE")


def _account() -> ForeignKey:
    return ForeignKey("control.account.id", ondelete="CASCADE")


person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),  # as rules.normal_email gives it
    Column("password_hash", Text),  # argon2id; null: only passkeys
    Column("verified_at", DateTime(timezone=True)),
    Column("totp_sealed", LargeBinary),
    Column("totp_last_step", BigInteger, nullable=False, server_default=text("0")),
    Column("recovery_digests", JSONB, nullable=False, server_default=text("'[]'")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("signed_in_at", DateTime(timezone=True)),
)

passkey = Table(
    "passkey",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("person_id", Text, _person(), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("used_at", DateTime(timezone=True)),
    Index("ix_passkey_person_id", "person_id"),
)

member = Table(
    "member",
    metadata,
    Column("account_id", Text, _account(), primary_key=True),
    Column("person_id", Text, _person(), primary_key=True),
    Column("role", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("ix_member_person_id", "person_id"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account_id", Text, _account(), nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", Text, nullable=False),  # a person's id
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_invitation_account_email", "account_id", "email", unique=True),
)

mailed_link = Table(
    "mailed_link",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("person_id", Text, _person(), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_mailed_link_person_id", "person_id"),
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of what the cookie holds
    Column("public_id", Text, nullable=False, unique=True),  # to name it in the list of sessions
    Column("kind", Text, nullable=False),
    Column("person_id", Text, _person(), nullable=False),
    Column("account_id", Text, _account()),  # the one that is looked at
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("stepped_up_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Index("ix_session_person_id", "person_id"),
    Index("ix_session_account_id", "account_id"),
    Index("ix_session_ends_at", "ends_at"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # a digest of the network or the person
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("ix_attempt_ends_at", "ends_at"),
    prefixes=["UNLOGGED"],  # a crash forgets a minute's guesses
)
