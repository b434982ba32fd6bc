"""When a tenant's signing keys are next due."""

from alembic import op

from migrations.script import run_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEYS_DUE = """
ALTER TABLE control.tenant ADD COLUMN keys_due_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX ix_tenant_keys_due_at ON control.tenant (keys_due_at) WHERE status <> 'deleted';
"""


def upgrade() -> None:
    run_statements(op.get_bind(), _KEYS_DUE)
