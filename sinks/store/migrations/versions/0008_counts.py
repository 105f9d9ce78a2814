"""What is kept from somebody is counted without a look at each."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whose group an alert is stands beside each party, and has an index.

    Nobody may be missing at any moment, also before the rows are made anew: an alert would be shown to those it is
    about.
    """
    op.rename_table("parties", "parties_before")
    op.drop_index("parties_by_name")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX parties_pkey RENAME TO parties_before_pkey")
    op.create_table(
        "parties",
        sa.Column("alert", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("relation", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(250), primary_key=True),
        sa.Column("group_who", sa.String(250), nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO parties (alert, relation, name, group_who)"
        " SELECT b.alert, b.relation, b.name, a.group_who FROM parties_before AS b JOIN alerts AS a ON a.id = b.alert"
    )
    op.drop_table("parties_before")
    op.create_index("parties_by_name", "parties", ["relation", "name", "group_who", "alert"])
    op.create_index("alerts_by_who", "alerts", ["group_who", "kind"])
