"""Logins, tenants, snapshots and the ledger.

The names of the login roles contain the database's, so that several installations share a cluster.
"""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_LONGEST_DATABASE_NAME = 50  # bytes; with `_control` behind it still a name of PostgreSQL's

_ROLES = """
CREATE TABLE control.login_role (
  purpose text PRIMARY KEY CHECK (purpose IN ('control', 'data', 'tenants')),
  role_name name NOT NULL
);
INSERT INTO control.login_role
  VALUES ('control', '{control}'), ('data', '{data}'), ('tenants', '{tenants}');

-- tenants' schemas belong to the control login; the owner migrates them in its name
GRANT "{control}" TO CURRENT_USER;

GRANT USAGE ON SCHEMA control TO "{control}", "{data}";
GRANT SELECT ON control.alembic_version TO "{control}", "{data}";
REVOKE ALL ON DATABASE "{database}" FROM PUBLIC;
GRANT CONNECT ON DATABASE "{database}" TO "{control}", "{data}";
GRANT CREATE ON DATABASE "{database}" TO "{control}";
"""

_CONTROL = """
CREATE TABLE control.tenant (
  id text PRIMARY KEY CHECK (id ~ '^[a-z2-7]{{13}}$'),
  slug text UNIQUE,
  name text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
  schema_revision text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CHECK ((status = 'deleted') = (deleted_at IS NOT NULL))
);

CREATE TABLE control.issuer_snapshot (
  tenant_id text PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  version bigint NOT NULL,
  body text NOT NULL,
  changed xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX ix_issuer_snapshot_changed ON control.issuer_snapshot (changed);

CREATE FUNCTION control.stamp_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.changed := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER stamp_changed BEFORE INSERT OR UPDATE ON control.issuer_snapshot
  FOR EACH ROW EXECUTE FUNCTION control.stamp_changed();

GRANT SELECT, INSERT, UPDATE, DELETE ON control.tenant, control.issuer_snapshot TO "{control}";
GRANT SELECT ON control.login_role TO "{control}";
GRANT SELECT ON control.issuer_snapshot TO "{data}";
"""

# The control login makes tenants' roles through these two doors, so it needs no CREATEROLE.
_TENANT_ROLES = """
CREATE FUNCTION control.create_tenant_role(tenant text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF tenant !~ '^[a-z2-7]{{13}}$' THEN
    RAISE EXCEPTION 'not a tenant id';
  END IF;
  EXECUTE format('CREATE ROLE %I NOLOGIN', 'r_' || tenant);
  EXECUTE format('GRANT %I TO %I, %I', 'r_' || tenant, '{control}', '{data}');
  EXECUTE format('GRANT %I TO %I', '{tenants}', 'r_' || tenant);
END $$;

CREATE FUNCTION control.drop_tenant_role(tenant text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF tenant !~ '^[a-z2-7]{{13}}$' THEN
    RAISE EXCEPTION 'not a tenant id';
  END IF;
  EXECUTE format('DROP ROLE IF EXISTS %I', 'r_' || tenant);
END $$;

REVOKE ALL ON FUNCTION control.create_tenant_role, control.drop_tenant_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.create_tenant_role, control.drop_tenant_role TO "{control}";
"""

_LEDGER = """
CREATE SCHEMA ledger;
GRANT USAGE ON SCHEMA ledger TO "{control}", "{data}", "{tenants}";

CREATE FUNCTION ledger.current_tenant() RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT substr(current_user, 3) $$;

CREATE TABLE ledger.issued (
  jti uuid NOT NULL,
  lifetime integer NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL
) PARTITION BY RANGE (jti);
CREATE INDEX ix_issued_client ON ledger.issued (tenant, client_id);
CREATE INDEX ix_issued_jti ON ledger.issued USING brin (jti)
  WITH (pages_per_range = 8, autosummarize = on);

CREATE TABLE ledger.revocation (
  tenant text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('token', 'client', 'tenant')),
  subject text NOT NULL,
  not_before timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (tenant, kind, subject)
);
CREATE INDEX ix_revocation_changed ON ledger.revocation (changed);
CREATE TRIGGER stamp_changed BEFORE INSERT OR UPDATE ON ledger.revocation
  FOR EACH ROW EXECUTE FUNCTION control.stamp_changed();

ALTER TABLE ledger.issued ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.issued FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger.revocation ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.revocation FORCE ROW LEVEL SECURITY;

-- The data login writes records for all tenants by one statement, and reads none of them.
CREATE POLICY record ON ledger.issued FOR INSERT TO "{data}" WITH CHECK (true);
CREATE POLICY own ON ledger.issued FOR SELECT TO "{tenants}"
  USING (tenant = ledger.current_tenant());
GRANT INSERT ON ledger.issued TO "{data}";
GRANT SELECT ON ledger.issued TO "{tenants}";

-- Revocations are written under the tenant's role; a worker follows those of all tenants at once.
CREATE POLICY own ON ledger.revocation FOR ALL TO "{tenants}"
  USING (tenant = ledger.current_tenant()) WITH CHECK (tenant = ledger.current_tenant());
CREATE POLICY follow ON ledger.revocation FOR SELECT TO "{data}" USING (true);
GRANT SELECT, INSERT, UPDATE ON ledger.revocation TO "{tenants}";
GRANT SELECT ON ledger.revocation TO "{data}";
"""

# A UUIDv7 begins with 48 bits of milliseconds, so the first id of a day bounds its partition.
_PARTITIONS = """
CREATE FUNCTION ledger.first_id_of(day date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0')
          || '00000000000000000000')::uuid
$$;

CREATE FUNCTION ledger.ensure_partitions() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  day date;
  partition text;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ledger.ensure_partitions'));
  FOR day IN SELECT generate_series(current_date - 1, current_date + 7, '1 day')::date LOOP
    partition := 'issued_' || to_char(day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass('ledger.' || partition) IS NOT NULL;
    EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.issued INCLUDING ALL)', partition);
    -- ATTACH, unlike CREATE … PARTITION OF, does not stop writers
    EXECUTE format('ALTER TABLE ledger.issued ATTACH PARTITION ledger.%I
                    FOR VALUES FROM (%L) TO (%L)', partition,
                    ledger.first_id_of(day), ledger.first_id_of(day + 1));
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
REVOKE ALL ON FUNCTION ledger.ensure_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.ensure_partitions TO "{data}", "{control}";
SELECT ledger.ensure_partitions();
"""


def upgrade() -> None:
    bind = op.get_bind()
    database = str(bind.scalar(text("SELECT current_database()")))
    names = {"database": database, **_roles_of(database)}
    for role in ("control", "data", "tenants"):
        _create_role(names[role], "NOLOGIN" if role == "tenants" else "LOGIN NOINHERIT")
    for statements in (_ROLES, _CONTROL, _TENANT_ROLES, _LEDGER, _PARTITIONS):
        run_statements(bind, statements.format(**names))


def _roles_of(database: str) -> dict[str, str]:
    if '"' in database or "'" in database or len(database.encode()) > _LONGEST_DATABASE_NAME:
        raise ValueError("the database's name is too long or contains a quote")
    return {each: f"{database}_{each}" for each in ("control", "data", "tenants")}


def _create_role(name: str, attributes: str) -> None:
    """Create a role unless it is there; two databases of one cluster may be made at once."""
    op.execute(
        f"""
        DO $$ BEGIN
          CREATE ROLE "{name}" {attributes};
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
