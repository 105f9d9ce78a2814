"""Alerts count accesses, and a search that led to one person only is about that person."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TELLING = sa.String(40).with_variant(sa.String(40, "C"), "postgresql")


def upgrade() -> None:
    """Which access a finding is of, and what it tells. Empty until the rows are made anew, before anybody asks."""
    op.add_column("findings", sa.Column("access", sa.String(32), nullable=False, server_default=""))
    op.add_column("findings", sa.Column("tells", TELLING, nullable=False, server_default=""))
    op.create_index("findings_of_access", "findings", ["access", "alert_id", "tells"])
