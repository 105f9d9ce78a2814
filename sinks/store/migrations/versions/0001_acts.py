"""The first tables: acts, their chain, and what is projected from them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ALERT_ID = sa.String(34).with_variant(sa.String(34, "C"), "postgresql")


def upgrade() -> None:
    """Makes them."""
    _acts()
    _alerts()
    _of_alerts()
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _acts() -> None:
    op.create_table(
        "acts",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("alert", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("staff", sa.String(200)),
        sa.Column("key", sa.String(200)),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("alert", "version", name="acts_of_alert"),
    )
    op.create_index("acts_by_key", "acts", ["staff", "key"], unique=True, **_where("key IS NOT NULL"))
    chain = op.create_table(
        "chain",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(chain, [{"id": 1, "number": 0, "digest": "0" * 64, "at": 0}])
    op.create_table(
        "progress",
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("alert_id", ALERT_ID, nullable=False, unique=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("holder", sa.String(200)),
        sa.Column("owed", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("group_who", sa.String(250), nullable=False),
        sa.Column("group_record", sa.String(250), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )
    op.create_index("alerts_by_change", "alerts", ["status", "last_at", "alert_id", "kind"])
    op.create_index("alerts_by_kind", "alerts", ["kind", "last_at", "alert_id"])
    held, open_ = _where("holder IS NOT NULL"), _where("status <> 'closed'")
    op.create_index("alerts_by_holder", "alerts", ["holder", "last_at", "alert_id", "kind", "owed"], **held)
    op.create_index("alerts_by_owed", "alerts", ["last_at", "alert_id", "kind", "owed"], **_where("owed > 0"))
    op.create_index("alerts_by_group", "alerts", ["group_who", "group_record", "clause"], **open_)


def _of_alerts() -> None:
    op.create_table(
        "findings",
        sa.Column("finding_id", sa.String(34), primary_key=True),
        sa.Column("alert_id", sa.String(34), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("findings_of_alert", "findings", ["alert_id", "number"])
    op.create_table(
        "parties",
        sa.Column("alert", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("relation", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(250), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("parties_by_name", "parties", ["relation", "name", "alert"])
    op.create_table(
        "facets",
        sa.Column("kind", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("disposition", sa.String(20), nullable=False),
        sa.Column("alerts", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("status", "severity", "outcome", "clause", "disposition", name="facets_by_name"),
    )


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


_SQLITE = (
    "CREATE VIRTUAL TABLE act_text USING fts5(words, content='', prefix='1 2', tokenize='unicode61')",
    "CREATE TRIGGER acts_are_kept BEFORE DELETE ON acts BEGIN SELECT RAISE(ABORT, 'acts are never deleted'); END",
    "CREATE TRIGGER acts_stay BEFORE UPDATE ON acts BEGIN SELECT RAISE(ABORT, 'acts are never changed'); END",
)
_POSTGRESQL = (
    "CREATE TABLE act_text (number bigint PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX act_text_words ON act_text USING gin (words)",
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'acts are never changed or deleted'; END $$",
    "CREATE TRIGGER acts_stay BEFORE UPDATE OR DELETE ON acts FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER acts_are_kept BEFORE TRUNCATE ON acts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)
