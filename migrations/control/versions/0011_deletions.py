"""When a tenant that its account has deleted goes for good."""

from alembic import op

from migrations.script import run_statements

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_DELETIONS = """
ALTER TABLE control.tenant ADD COLUMN deletes_at timestamptz;
CREATE INDEX ix_tenant_deletes_at ON control.tenant (deletes_at) WHERE deletes_at IS NOT NULL;
"""


def upgrade() -> None:
    run_statements(op.get_bind(), _DELETIONS)
