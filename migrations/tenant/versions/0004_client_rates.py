"""A limit of a client's own."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RATES = """
ALTER TABLE client
  ADD COLUMN token_rate integer CHECK (token_rate > 0),
  ADD COLUMN token_burst integer CHECK (token_burst > 0),
  ADD CHECK ((token_rate IS NULL) = (token_burst IS NULL));
"""


def upgrade() -> None:
    op.execute(_RATES)
