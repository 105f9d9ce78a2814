"""No act is replaced: SQLite's REPLACE deletes the row in its way, and no trigger of deletes fires for that.

In PostgreSQL nothing is missing: ON CONFLICT DO UPDATE and MERGE fire the trigger of updates, TRUNCATE has its own.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Refuses a new row that any unique index of the table already has: each is a way to replace one."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_GUARD)


# Each is one look into the index that it is about; made one condition, SQLite would have to be trusted to see that.
_GUARD = """
CREATE TRIGGER acts_are_new BEFORE INSERT ON acts
WHEN EXISTS (SELECT 1 FROM acts WHERE number = NEW.number)
  OR EXISTS (SELECT 1 FROM acts WHERE alert = NEW.alert AND version = NEW.version)
  OR EXISTS (SELECT 1 FROM acts WHERE staff = NEW.staff AND key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'acts are never replaced'); END
"""
