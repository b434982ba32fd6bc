"""Usage by day, rolled up from the hours: what pages of months read."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE ledger.usage_day (
  day date NOT NULL,
  count bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  api text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, client_id, day, api, event)
) PARTITION BY RANGE (day);

-- The same without the clients: a month of thousands of them is few rows here.
CREATE TABLE ledger.usage_day_all (
  day date NOT NULL,
  count bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  api text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, day, api, event)
) PARTITION BY RANGE (day);

-- One row: the hours before `until` are in the two, of the others the hours are read.
CREATE TABLE ledger.rolled_up (
  until timestamptz NOT NULL,
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

CREATE OR REPLACE FUNCTION ledger.ensure_partitions() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ledger.ensure_partitions'));
  SELECT sum(ledger.make_day(parent, day::date)) INTO made
  FROM unnest(ARRAY['issued', 'refused', 'batch']) parent,
       generate_series(current_date - 1, current_date + 7, '1 day') day;
  RETURN made + (
    SELECT sum(ledger.make_month(parent, month::date))
    FROM unnest(ARRAY['usage', 'usage_day', 'usage_day_all']) parent,
         generate_series(date_trunc('month', current_date - 1), current_date + 7, '1 month') month);
END $$;

CREATE OR REPLACE FUNCTION ledger.drop_partition(parent text, before date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET timezone = 'UTC' AS $$
DECLARE
  oldest text;
BEGIN
  IF parent NOT IN ('issued', 'refused', 'batch', 'usage', 'usage_day', 'usage_day_all')
     OR before >= current_date THEN
    RAISE EXCEPTION 'not a part of the ledger that has had its time';
  END IF;
  -- names are compared as they are: a planner may look at those of other tables first
  SELECT relname INTO oldest FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = ('ledger.' || parent)::regclass
    AND relname < parent || '_' || to_char(before, 'YYYYMMDD')
  ORDER BY relname LIMIT 1;
  IF oldest IS NOT NULL THEN
    EXECUTE format('DROP TABLE ledger.%I', oldest);
  END IF;
  RETURN oldest;
END $$;
"""

# Counts of an hour only grow, so a day that is rolled up anew takes what was late, and loses
# nothing. Of all tenants by one statement: the login that calls it may read none of them.
# The last minutes are left out: what is counted is written some time after it happened.
_ROLL_UP = """
CREATE FUNCTION ledger.roll_up(rolled date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  reached timestamptz := least(rolled + 1, date_trunc('hour', now() - interval '5 minutes'));
  changed integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ledger.roll_up'));
  IF reached <= rolled THEN
    RETURN 0;
  END IF;
  IF rolled > (SELECT until FROM ledger.rolled_up) THEN
    RAISE EXCEPTION 'the days before it are rolled up first';
  END IF;
  PERFORM ledger.make_month(parent, date_trunc('month', rolled)::date)
  FROM unnest(ARRAY['usage_day', 'usage_day_all']) parent;
  INSERT INTO ledger.usage_day AS held (day, count, tenant, client_id, api, event)
  SELECT rolled, sum(count), tenant, client_id, api, event FROM ledger.usage
  WHERE hour >= rolled AND hour < reached
  GROUP BY tenant, client_id, api, event
  ON CONFLICT (tenant, client_id, day, api, event) DO UPDATE SET count = excluded.count
  WHERE held.count <> excluded.count;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed > 0 THEN
    INSERT INTO ledger.usage_day_all AS held (day, count, tenant, api, event)
    SELECT rolled, sum(count), tenant, api, event FROM ledger.usage_day
    WHERE day = rolled GROUP BY tenant, api, event
    ON CONFLICT (tenant, day, api, event) DO UPDATE SET count = excluded.count
    WHERE held.count <> excluded.count;
  END IF;
  UPDATE ledger.rolled_up SET until = reached WHERE until < reached;
  RETURN changed;
END $$;
REVOKE ALL ON FUNCTION ledger.roll_up FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.roll_up TO "{control}";
"""

# Forced row-level security holds the owner too, in whose name ledger.roll_up runs.
_RIGHTS = """
CREATE POLICY roll_up ON ledger.usage FOR SELECT TO CURRENT_USER USING (true);

ALTER TABLE ledger.usage_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.usage_day FORCE ROW LEVEL SECURITY;
CREATE POLICY roll_up ON ledger.usage_day FOR ALL TO CURRENT_USER
  USING (true) WITH CHECK (true);
CREATE POLICY own ON ledger.usage_day FOR SELECT TO "{tenants}"
  USING (tenant = ledger.current_tenant());

ALTER TABLE ledger.usage_day_all ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.usage_day_all FORCE ROW LEVEL SECURITY;
CREATE POLICY roll_up ON ledger.usage_day_all FOR ALL TO CURRENT_USER
  USING (true) WITH CHECK (true);
CREATE POLICY own ON ledger.usage_day_all FOR SELECT TO "{tenants}"
  USING (tenant = ledger.current_tenant());

GRANT SELECT ON ledger.usage_day, ledger.usage_day_all TO "{tenants}";
GRANT SELECT ON ledger.rolled_up TO "{control}", "{tenants}";

INSERT INTO ledger.rolled_up (until)
SELECT coalesce(min(hour), date_trunc('day', now(), 'UTC')) FROM ledger.usage;
SELECT ledger.ensure_partitions();
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_TABLES, _ROLL_UP, _RIGHTS):
        run_statements(bind, statements.format(**roles))
