"""What is counted about alerts, and what they wait for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes both, without rows: those of the acts that there are come with the other rows that are made anew."""
    op.create_table(
        "measures",
        sa.Column("measure", sa.String(30), primary_key=True),
        sa.Column("label", sa.String(250), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "waits",
        sa.Column("alert_id", sa.String(34), primary_key=True),
        sa.Column("what", sa.String(20), primary_key=True),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )
    op.create_index("waits_by_age", "waits", ["what", "severity", "since"])
