"""What is kept from somebody is counted without a look at each. The rows come with those that are made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whose group an alert is stands beside each party, and has an index."""
    op.drop_table("parties")
    op.create_table(
        "parties",
        sa.Column("alert", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("relation", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(250), primary_key=True),
        sa.Column("group_who", sa.String(250), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("parties_by_name", "parties", ["relation", "name", "group_who", "alert"])
    op.create_index("alerts_by_who", "alerts", ["group_who", "kind"])
