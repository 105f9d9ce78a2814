"""Findings that the console which came upon them could not read."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "unreadable",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("place", sa.String(300), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )
