"""What support finds a customer by, what it notes of one, and what looks over all tenants."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# In which tenant a client is: its row is in one of ten thousand schemas. A trigger in each schema
# (tenant/0007) keeps the index, so that whoever adds a client or deletes one need not know of it.
_PLACES = """
CREATE TABLE control.client_place (
  client_id text COLLATE "C" NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (client_id, tenant_id)
);
CREATE INDEX ix_client_place_tenant_id ON control.client_place (tenant_id);

CREATE FUNCTION control.place_client() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant text := substr(TG_TABLE_SCHEMA, 3);  -- t_ and its id
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM control.client_place WHERE client_id = OLD.client_id AND tenant_id = tenant;
  ELSE
    INSERT INTO control.client_place VALUES (NEW.client_id, tenant) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION control.place_client FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.place_client TO "{control}";
GRANT SELECT, INSERT, DELETE ON control.client_place TO "{control}";
GRANT SELECT ON control.client_place TO "{support}";
"""

# By their beginnings, whatever order the database's own collation has.
_INDEXES = """
CREATE INDEX ix_tenant_slug_search ON control.tenant (slug COLLATE "C");
CREATE INDEX ix_account_name_search ON control.account (lower(name) COLLATE "C");
CREATE INDEX ix_person_email_search ON control.person (email COLLATE "C");
CREATE INDEX ix_account_created_at ON control.account (created_at);

CREATE INDEX ix_refused_request_id ON ledger.refused (request_id);
CREATE INDEX ix_usage_hour ON ledger.usage USING brin (hour)
  WITH (pages_per_range = 16, autosummarize = on);
"""

# Never shown to the customer.
_NOTES = """
CREATE TABLE control.support_note (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  tenant_id text,
  staff_id text NOT NULL,
  staff_email text NOT NULL,
  note text NOT NULL CHECK (note <> ''),
  created_at timestamptz NOT NULL
);
CREATE INDEX ix_support_note_account_id ON control.support_note (account_id, created_at);
GRANT SELECT, INSERT ON control.support_note TO "{support}";
"""

# The support login sees one tenant of the ledger at a time. What has to look over all of them goes
# through these: each says only in which tenant something is, or how much of it, and is bounded.
_OVER_ALL = """
CREATE POLICY support_search ON ledger.issued FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY support_search ON ledger.refused FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION ledger.tenants_of_request(asked text) RETURNS TABLE (tenant text, refusal uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.tenant, r.id FROM ledger.refused r WHERE r.request_id = asked LIMIT 20
$$;

CREATE FUNCTION ledger.tenant_of_token(asked uuid) RETURNS TABLE (tenant text, client_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT i.tenant, i.client_id FROM ledger.issued i WHERE i.jti = asked LIMIT 1
$$;

-- Of each kind the first twenty, by one look at the hours: a day of them at most.
CREATE FUNCTION ledger.busiest_tenants(since timestamptz)
RETURNS TABLE (kind text, tenant text, total bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH counted AS MATERIALIZED (
    SELECT u.tenant,
      sum(u.count) FILTER (WHERE u.event = 'issued') AS issued,
      sum(u.count) FILTER (WHERE u.event LIKE 'refused:%' OR u.event = 'limited') AS refused,
      sum(u.count) FILTER (WHERE u.event = 'refused:invalid_client') AS wrong
    FROM ledger.usage u WHERE u.hour >= greatest(since, now() - interval '25 hours')
    GROUP BY u.tenant
  )
  (SELECT 'issued', c.tenant, issued FROM counted c WHERE issued > 0
   ORDER BY issued DESC, c.tenant LIMIT 20)
  UNION ALL
  (SELECT 'refused', c.tenant, refused FROM counted c WHERE refused > 0
   ORDER BY refused DESC, c.tenant LIMIT 20)
  UNION ALL
  (SELECT 'wrong', c.tenant, wrong FROM counted c WHERE wrong > 0
   ORDER BY wrong DESC, c.tenant LIMIT 20)
$$;

-- When the data plane last wrote down what it counted.
CREATE FUNCTION ledger.last_counted() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT max(hour) FROM ledger.usage WHERE hour >= now() - interval '25 hours'
$$;

REVOKE ALL ON FUNCTION ledger.tenants_of_request, ledger.tenant_of_token, ledger.busiest_tenants,
  ledger.last_counted FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.tenants_of_request, ledger.tenant_of_token,
  ledger.busiest_tenants, ledger.last_counted TO "{support}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_PLACES, _INDEXES, _NOTES, _OVER_ALL):
        run_statements(bind, statements.format(**roles))
