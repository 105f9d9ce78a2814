"""Ids are found whole only: words and ids of an act are apart. The rows come with those that are made anew."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """SQLite's index gets a column; PostgreSQL tells ids by their weight."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE act_text")
        op.execute(
            "CREATE VIRTUAL TABLE act_text USING fts5(words, ids, content='', prefix='1 2', tokenize='unicode61')"
        )
