"""In which tenant a client is, kept for support's search by whatever adds or deletes one."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The trigger first: what is added from then on is waited for, or is there to be filled in.
_PLACES = """
CREATE TRIGGER place AFTER INSERT OR DELETE ON client
  FOR EACH ROW EXECUTE FUNCTION control.place_client();
INSERT INTO control.client_place
  SELECT client_id, substr(current_schema(), 3) FROM client ON CONFLICT DO NOTHING;
"""


def upgrade() -> None:
    op.execute(_PLACES)
