"""When a signing key that is published is to sign."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE signing_key ADD COLUMN signs_at timestamptz;")
