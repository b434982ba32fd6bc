"""Batches written once, usage in the same transaction, refusals, and retention by dropping.

Tokens from before are counted too, so that counts equal rows from the first day on.
"""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Two bounds of a partition: the first ids of two days, or the first instants of two months.
_PARTITIONS = """
CREATE FUNCTION ledger.make_partition(parent text, first date, next date, low text, high text)
RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text := parent || '_' || to_char(first, 'YYYYMMDD');
BEGIN
  IF to_regclass('ledger.' || partition) IS NOT NULL THEN
    RETURN 0;
  END IF;
  EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.%I INCLUDING ALL)', partition, parent);
  -- ATTACH, unlike CREATE … PARTITION OF, does not stop writers
  EXECUTE format('ALTER TABLE ledger.%I ATTACH PARTITION ledger.%I FOR VALUES FROM (%L) TO (%L)',
                 parent, partition, low, high);
  RETURN 1;
END $$;

CREATE FUNCTION ledger.make_day(parent text, day date) RETURNS integer LANGUAGE sql AS $$
  SELECT ledger.make_partition(parent, day, day + 1,
                               ledger.first_id_of(day)::text, ledger.first_id_of(day + 1)::text)
$$;

CREATE FUNCTION ledger.make_month(parent text, month date) RETURNS integer LANGUAGE sql AS $$
  SELECT ledger.make_partition(parent, month, next, month || ' 00:00+00', next || ' 00:00+00')
  FROM (SELECT (month + interval '1 month')::date AS next) following
$$;

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
    SELECT sum(ledger.make_month('usage', month::date))
    FROM generate_series(date_trunc('month', current_date - 1), current_date + 7, '1 month') month);
END $$;

REVOKE ALL ON FUNCTION ledger.make_partition, ledger.make_day, ledger.make_month FROM PUBLIC;
"""

# One partition a call, so that each is a transaction of its own; a writer waits 0.1 s at most, and
# when a long reader holds the table the caller comes again.
_RETENTION = """
CREATE FUNCTION ledger.drop_partition(parent text, before date) RETURNS text
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
    AND to_date(right(relname, 8), 'YYYYMMDD') < before
  ORDER BY relname LIMIT 1;
  IF oldest IS NOT NULL THEN
    EXECUTE format('DROP TABLE ledger.%I', oldest);
  END IF;
  RETURN oldest;
END $$;
REVOKE ALL ON FUNCTION ledger.drop_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.drop_partition TO "{control}";
"""

_TABLES = """
CREATE TABLE ledger.batch (id uuid PRIMARY KEY) PARTITION BY RANGE (id);

CREATE TABLE ledger.refused (
  id uuid NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  endpoint text NOT NULL,
  error text NOT NULL,
  reason text NOT NULL,
  address text NOT NULL,
  request_id text NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX ix_refused_tenant ON ledger.refused (tenant, id);

CREATE TABLE ledger.usage (
  hour timestamptz NOT NULL,
  minutes bigint NOT NULL,
  count integer NOT NULL,
  writer integer NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  api text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, hour, client_id, api, event, writer)
) PARTITION BY RANGE (hour);

CREATE TABLE ledger.account_month (
  account text COLLATE "C" NOT NULL,
  month text COLLATE "C" NOT NULL,
  writer integer NOT NULL,
  issued bigint NOT NULL,
  PRIMARY KEY (account, month, writer)
) WITH (fillfactor = 50);

SELECT ledger.ensure_partitions();
"""

# Forced row-level security holds the owner too, unless it is a superuser.
_COUNT_WHAT_IS_THERE = """
ALTER TABLE ledger.issued NO FORCE ROW LEVEL SECURITY;

CREATE TEMPORARY TABLE token ON COMMIT DROP AS
SELECT tenant, client_id,
  to_timestamp(('x' || lpad(left(replace(jti::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
               / 1000.0) AT TIME ZONE 'UTC' AS at
FROM ledger.issued;

SELECT ledger.make_month('usage', month::date)
FROM (SELECT DISTINCT date_trunc('month', at) AS month FROM token) months;

INSERT INTO ledger.usage (hour, minutes, count, writer, tenant, client_id, api, event)
SELECT date_trunc('hour', at) AT TIME ZONE 'UTC', bit_or(1::bigint << extract(minute FROM at)::int),
  count(*), 0, tenant, client_id, '', 'issued'
FROM token GROUP BY tenant, client_id, date_trunc('hour', at);

INSERT INTO ledger.account_month (account, month, writer, issued)
SELECT account_id, to_char(at, 'YYYY-MM'), 0, count(*)
FROM token JOIN control.tenant ON id = tenant GROUP BY account_id, to_char(at, 'YYYY-MM');

ALTER TABLE ledger.issued FORCE ROW LEVEL SECURITY;

-- A client's tokens are found by the minutes of its usage: an index cost nearly as much as a row.
DROP INDEX ledger.ix_issued_client;
"""

_RIGHTS = """
ALTER TABLE ledger.batch ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.batch FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger.refused ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.refused FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger.usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.usage FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger.account_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.account_month FORCE ROW LEVEL SECURITY;

-- The data login writes for all tenants by one statement; what it counts up it must also see.
CREATE POLICY record ON ledger.batch FOR ALL TO "{data}" USING (true) WITH CHECK (true);
CREATE POLICY record ON ledger.refused FOR INSERT TO "{data}" WITH CHECK (true);
CREATE POLICY record ON ledger.usage FOR ALL TO "{data}" USING (true) WITH CHECK (true);
CREATE POLICY record ON ledger.account_month FOR ALL TO "{data}" USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON ledger.batch TO "{data}";
GRANT INSERT ON ledger.refused TO "{data}";
GRANT SELECT, INSERT, UPDATE ON ledger.usage, ledger.account_month TO "{data}";

CREATE POLICY own ON ledger.refused FOR SELECT TO "{tenants}"
  USING (tenant = ledger.current_tenant());
CREATE POLICY own ON ledger.usage FOR SELECT TO "{tenants}"
  USING (tenant = ledger.current_tenant());
GRANT SELECT ON ledger.refused, ledger.usage TO "{tenants}";

-- Accounts are the control plane's: it bills by their months, and forgets the old ones.
CREATE POLICY account ON ledger.account_month FOR ALL TO "{control}"
  USING (true) WITH CHECK (false);
GRANT SELECT, DELETE ON ledger.account_month TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_PARTITIONS, _RETENTION, _TABLES, _COUNT_WHAT_IS_THERE, _RIGHTS):
        run_statements(bind, statements.format(**roles))
