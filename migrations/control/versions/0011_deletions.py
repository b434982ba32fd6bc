"""When a tenant that its account has deleted goes for good; dropping partitions by any plan."""

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

# The names of partitions are compared as text. They were read as dates, and with some statistics
# the planner read the name of every table so, before it looked which are partitions: an error.
_DROP_PARTITION = """
CREATE OR REPLACE FUNCTION ledger.drop_partition(parent text, before date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET timezone = 'UTC' AS $$
DECLARE
  oldest text;
BEGIN
  IF parent NOT IN ('issued', 'refused', 'batch', 'usage') OR before >= current_date THEN
    RAISE EXCEPTION 'not a part of the ledger that has had its time';
  END IF;
  SELECT relname INTO oldest FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = ('ledger.' || parent)::regclass
    AND right(relname, 8) < to_char(before, 'YYYYMMDD') COLLATE "C"
  ORDER BY relname LIMIT 1;
  IF oldest IS NOT NULL THEN
    EXECUTE format('DROP TABLE ledger.%I', oldest);
  END IF;
  RETURN oldest;
END $$;
"""


def upgrade() -> None:
    run_statements(op.get_bind(), _DELETIONS + _DROP_PARTITION)
