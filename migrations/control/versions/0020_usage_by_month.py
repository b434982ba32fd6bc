"""Usage by month, which pages of the largest tenants read; and what support's page of all reads."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE ledger.usage_month (
  month date NOT NULL,  -- its first day
  count bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  api text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, month, client_id, api, event)
) PARTITION BY RANGE (month);

-- The last week of all clients, too, is few of a month's rows.
CREATE INDEX ix_usage_day_day ON ledger.usage_day (tenant, day);

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
    FROM unnest(ARRAY['usage', 'usage_day', 'usage_day_all', 'usage_month']) parent,
         generate_series(date_trunc('month', current_date - 1), current_date + 7, '1 month') month);
END $$;

CREATE OR REPLACE FUNCTION ledger.drop_partition(parent text, before date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET timezone = 'UTC' AS $$
DECLARE
  oldest text;
BEGIN
  IF parent NOT IN
       ('issued', 'refused', 'batch', 'usage', 'usage_day', 'usage_day_all', 'usage_month')
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

# What a day has more than it had is added to its month: so all three always say the same.
_ROLL_UP = """
CREATE OR REPLACE FUNCTION ledger.roll_up(rolled date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  reached timestamptz := least(rolled + 1, date_trunc('hour', now() - interval '5 minutes'));
  of_month date := date_trunc('month', rolled);
  changed integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ledger.roll_up'));
  IF reached <= rolled THEN
    RETURN 0;
  END IF;
  IF rolled > (SELECT until FROM ledger.rolled_up) THEN
    RAISE EXCEPTION 'the days before it are rolled up first';
  END IF;
  PERFORM ledger.make_month(parent, of_month)
  FROM unnest(ARRAY['usage_day', 'usage_day_all', 'usage_month']) parent;
  WITH counted AS (
    SELECT sum(count) AS count, tenant, client_id, api, event FROM ledger.usage
    WHERE hour >= rolled AND hour < reached GROUP BY tenant, client_id, api, event
  ), grown AS MATERIALIZED (
    SELECT c.*, c.count - coalesce(held.count, 0) AS more
    FROM counted c LEFT JOIN ledger.usage_day held ON held.day = rolled AND
      (held.tenant, held.client_id, held.api, held.event)
        = (c.tenant, c.client_id, c.api, c.event)
    WHERE c.count IS DISTINCT FROM held.count
  ), of_day AS (
    INSERT INTO ledger.usage_day (day, count, tenant, client_id, api, event)
    SELECT rolled, count, tenant, client_id, api, event FROM grown
    ON CONFLICT (tenant, client_id, day, api, event) DO UPDATE SET count = excluded.count
  ), of_all AS (
    INSERT INTO ledger.usage_day_all AS held (day, count, tenant, api, event)
    SELECT rolled, sum(more), tenant, api, event FROM grown GROUP BY tenant, api, event
    ON CONFLICT (tenant, day, api, event) DO UPDATE SET count = held.count + excluded.count
  ), of_months AS (
    INSERT INTO ledger.usage_month AS held (month, count, tenant, client_id, api, event)
    SELECT of_month, more, tenant, client_id, api, event FROM grown
    ON CONFLICT (tenant, month, client_id, api, event)
    DO UPDATE SET count = held.count + excluded.count
  )
  SELECT count(*) INTO changed FROM grown;
  UPDATE ledger.rolled_up SET until = reached WHERE until < reached;
  RETURN changed;
END $$;
"""

_RIGHTS = """
ALTER TABLE ledger.usage_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.usage_month FORCE ROW LEVEL SECURITY;
CREATE POLICY roll_up ON ledger.usage_month FOR ALL TO CURRENT_USER
  USING (true) WITH CHECK (true);
CREATE POLICY own ON ledger.usage_month FOR SELECT TO "{tenants}"
  USING (tenant = ledger.current_tenant());
CREATE POLICY support ON ledger.usage_month FOR SELECT TO "{support}"
  USING (tenant = ledger.supported_tenant());
GRANT SELECT ON ledger.usage_month TO "{tenants}", "{support}";

SELECT ledger.ensure_partitions();
SELECT ledger.make_month('usage_month', month)
FROM (SELECT DISTINCT date_trunc('month', day)::date AS month FROM ledger.usage_day) held;
INSERT INTO ledger.usage_month (month, count, tenant, client_id, api, event)
SELECT date_trunc('month', day)::date, sum(count), tenant, client_id, api, event
FROM ledger.usage_day GROUP BY 1, 3, 4, 5, 6;
"""

# A day's hours of all tenants are too many to be looked through: of days that have begun since,
# and are rolled up, the roll-up is read.
_OVER_ALL = """
CREATE INDEX ix_usage_day_all_day ON ledger.usage_day_all USING brin (day)
  WITH (pages_per_range = 16, autosummarize = on);

CREATE OR REPLACE FUNCTION ledger.busiest_tenants(since timestamptz)
RETURNS TABLE (kind text, tenant text, total bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
  first timestamptz := greatest(since, current_date - 1);
  midnight timestamptz := date_trunc('day', first + interval '1 day' - interval '1 microsecond');
  rest timestamptz := greatest(midnight, (SELECT until FROM ledger.rolled_up));
BEGIN
  RETURN QUERY
  WITH counts AS (
    SELECT d.tenant, d.event, d.count FROM ledger.usage_day_all d WHERE d.day >= midnight::date
    UNION ALL
    SELECT u.tenant, u.event, u.count FROM ledger.usage u
    WHERE u.hour >= first AND u.hour < midnight
    UNION ALL
    SELECT u.tenant, u.event, u.count FROM ledger.usage u WHERE u.hour >= rest
  ), counted AS MATERIALIZED (
    SELECT c.tenant,
      sum(c.count) FILTER (WHERE c.event = 'issued')::bigint AS issued,
      sum(c.count) FILTER (WHERE c.event LIKE 'refused:%' OR c.event = 'limited')::bigint
        AS refused,
      sum(c.count) FILTER (WHERE c.event = 'refused:invalid_client')::bigint AS wrong
    FROM counts c GROUP BY c.tenant
  )
  (SELECT 'issued', c.tenant, issued FROM counted c WHERE issued > 0
   ORDER BY issued DESC, c.tenant LIMIT 20)
  UNION ALL
  (SELECT 'refused', c.tenant, refused FROM counted c WHERE refused > 0
   ORDER BY refused DESC, c.tenant LIMIT 20)
  UNION ALL
  (SELECT 'wrong', c.tenant, wrong FROM counted c WHERE wrong > 0
   ORDER BY wrong DESC, c.tenant LIMIT 20);
END $$;

-- Each batch has an id of its own, of the time when it was gathered.
CREATE POLICY support_search ON ledger.batch FOR SELECT TO CURRENT_USER USING (true);
CREATE OR REPLACE FUNCTION ledger.last_counted() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
  SELECT at FROM (
    SELECT id FROM ledger.batch WHERE id >= ledger.first_id_of(current_date - 2)
    ORDER BY id DESC LIMIT 1
  ) last, LATERAL (SELECT to_timestamp(
    ('x0000' || left(replace(id::text, '-', ''), 12))::bit(64)::bigint / 1000.0) AS at) found
  WHERE at >= now() - interval '25 hours'
$$;
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_TABLE, _ROLL_UP, _RIGHTS, _OVER_ALL):
        run_statements(bind, statements.format(**roles))
