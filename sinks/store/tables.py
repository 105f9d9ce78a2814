"""The tables of the store. `acts` is the truth, and only grows; everything else can be made anew from it or from Kafka.

What they look like in a database is said by the migrations; a test holds the two together.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint, text

METADATA: Final = MetaData()
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")  # an INTEGER key is where SQLite keeps the row
ALERT_ID: Final = String(34).with_variant(String(34, "C"), "postgresql")  # ordered alike whatever the server speaks

TELLING: Final = String(40).with_variant(String(40, "C"), "postgresql")  # the last in this order weighs most


def where(condition: str) -> dict[str, Any]:
    """An index of some rows only."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


ACTS: Final = Table(
    "acts",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("alert", BigInteger, nullable=False),  # the number of the act that raised it
    Column("version", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("staff", String(200)),
    Column("key", String(200)),
    Column("document", LargeBinary, nullable=False),  # the act as the contract spells it
    UniqueConstraint("alert", "version", name="acts_of_alert"),
    Index("acts_by_key", "staff", "key", unique=True, **where("key IS NOT NULL")),
)
"""Every act. A trigger refuses to change or delete one: whoever does it all the same has to do it on purpose."""

CHAIN: Final = Table(
    "chain",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),  # no act to come is earlier, whoever writes it
)
"""One row: the newest act. Whoever writes locks it first, so acts have one order."""

ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),  # the number of the act that raised it
    Column("alert_id", ALERT_ID, nullable=False, unique=True),
    Column("status", String(20), nullable=False),
    Column("kind", Integer, nullable=False),  # of `facets`
    Column("clause", String(200), nullable=False),
    Column("holder", String(200)),
    Column("owed", Integer, nullable=False),  # obligations that nobody has recorded yet
    Column("opened_at", BigInteger, nullable=False),
    Column("acknowledged_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("last_at", BigInteger, nullable=False),  # its newest act: the order in which alerts have changed
    Column("group_who", String(250), nullable=False),
    Column("group_record", String(250), nullable=False),
    Column("document", LargeBinary, nullable=False),  # the alert as the contract spells it
    # Each list is read in the order of one of these, and no row is read before it is known to be on the page.
    Index("alerts_by_change", "status", "last_at", "alert_id", "kind"),
    Index("alerts_by_kind", "kind", "last_at", "alert_id"),
    Index("alerts_by_holder", "holder", "last_at", "alert_id", "kind", "owed", **where("holder IS NOT NULL")),
    Index("alerts_by_owed", "last_at", "alert_id", "kind", "owed", **where("owed > 0")),
    Index("alerts_by_group", "group_who", "group_record", "clause", **where("status <> 'closed'")),
    Index("alerts_by_who", "group_who", "kind"),  # how many of each kind: of those that are kept from somebody
)
"""What the acts of each alert come to."""

FINDINGS: Final = Table(
    "findings",
    METADATA,
    Column("finding_id", String(34), primary_key=True),
    Column("alert_id", String(34), nullable=False),
    Column("number", BigInteger, nullable=False),  # of the newest act that carries it
    Column("access", String(32), nullable=False),  # as sinks.alerts.telling.access_key
    Column("tells", TELLING, nullable=False),  # of it; empty: it does not stand
    Index("findings_of_alert", "alert_id", "number"),
    Index("findings_of_access", "access", "alert_id", "tells"),
    sqlite_with_rowid=False,
)
"""Where each finding is."""

PARTIES: Final = Table(
    "parties",
    METADATA,
    Column("alert", BigInteger, primary_key=True, autoincrement=False),
    Column("relation", String(20), primary_key=True),
    Column("name", String(250), primary_key=True),
    Column("group_who", String(250), nullable=False),  # of the alert
    Index("parties_by_name", "relation", "name", "group_who", "alert"),
    sqlite_with_rowid=False,
)
"""Whom an alert is about; it is kept from them."""

FACETS: Final = Table(
    "facets",
    METADATA,
    Column("kind", Integer, primary_key=True, autoincrement=False),  # counted from 1 as they come to be
    Column("status", String(20), nullable=False),
    Column("severity", Integer, nullable=False),  # 0 low to 3 critical
    Column("outcome", String(20), nullable=False),
    Column("clause", String(200), nullable=False),
    Column("disposition", String(20), nullable=False),  # empty: nobody has decided
    Column("alerts", BigInteger, nullable=False),
    UniqueConstraint("status", "severity", "outcome", "clause", "disposition", name="facets_by_name"),
)
"""How many alerts there are of each kind, a few hundred: counting 300,000 for each page would take longer than showing
one, and a list that knows how rare it is knows where to look."""

PROGRESS: Final = Table(
    "progress",
    METADATA,
    Column("name", String(300), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""How far what is read from Kafka has been written here, and how far the acts have been mirrored there."""

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token: who reads the table cannot sign in with it
    Column("login", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Who is signed in. Not evidence: what somebody did says so itself."""

SECRETS: Final = Table(
    "secrets",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Random bytes of this installation."""

LOOKUPS: Final = Table(
    "lookups",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("document", LargeBinary, nullable=False),
)
"""Searches for somebody that the service has not been told of yet."""

UNREADABLE: Final = Table(
    "unreadable",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("place", String(300), nullable=False),  # topic/partition/offset
    Column("document", LargeBinary, nullable=False),
)
"""Findings that the console which came upon them could not read: a newer one may."""

MEASURES: Final = Table(
    "measures",
    METADATA,
    Column("measure", String(30), primary_key=True),
    Column(
        "label", String(250), primary_key=True
    ),  # by what it is told from others of its measure, with spaces between
    Column("value", BigInteger, nullable=False),
)
"""What is counted, act by act (sinks.alerts.counting)."""

WAITS: Final = Table(
    "waits",
    METADATA,
    Column("alert_id", String(34), primary_key=True),
    Column("what", String(20), primary_key=True),
    Column("severity", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Index("waits_by_age", "what", "severity", "since"),
)
"""What alerts wait for, each with its beginning: the oldest is the first of the index."""

PROJECTED: Final = (ALERTS, FINDINGS, PARTIES, FACETS, MEASURES, WAITS)
"""What `alerts rebuild` makes anew."""
