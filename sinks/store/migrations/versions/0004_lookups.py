"""Searches for somebody at the console that the service has not been told of yet."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "lookups",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )
