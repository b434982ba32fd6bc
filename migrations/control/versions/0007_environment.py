"""Whether a tenant is for tests or for production: plans count them apart."""

from alembic import op

from migrations.script import run_statements

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ENVIRONMENT = """
ALTER TABLE control.tenant ADD COLUMN environment text NOT NULL DEFAULT 'test'
  CHECK (environment IN ('test', 'live'));
"""


def upgrade() -> None:
    run_statements(op.get_bind(), _ENVIRONMENT)
