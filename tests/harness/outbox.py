"""A database with the outbox of `deploy/publishing/outbox.sql` in it, and an application that writes there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from deploy.local.ports import HOST
from deploy.local.postgres import HOW_TO_GET, LocalPostgres, find_postgres
from schemas.access import Access
from schemas.ids import format_instant
from tests.harness.parts import require_part

SQL: Final = Path(__file__).parents[2] / "deploy" / "publishing" / "outbox.sql"
INSTALL_SECONDS: Final = 60.0
WAIT: Final = "10s"  # for a lock: nobody here should wait for one


@dataclass(frozen=True)
class Outbox:
    """Where it is. Whoever may come there has the server's password."""

    server: LocalPostgres
    database: str

    @contextmanager
    def connect(self, user: str) -> Iterator[psycopg.Connection[Any]]:
        """`postgres`, who owns all; `app`, who writes; `needtoknow_reader`, who is Debezium. Rolled back at the end."""
        with psycopg.connect(
            host=HOST,
            port=self.server.port,
            user=user,
            password=self.server.password,
            dbname=self.database,
            options=f"-c lock_timeout={WAIT}",
        ) as connection:
            try:
                yield connection
            finally:
                connection.rollback()

    def messages(self) -> list[tuple[Any, ...]]:
        """Key, content type and value of each, in the order in which they were made."""
        with self.connect("postgres") as connection:
            return connection.execute("SELECT key, content_type, value FROM needtoknow.message ORDER BY id").fetchall()


def install(server: LocalPostgres, database: str, source: str = "ecms") -> Outbox:
    """As outbox.md says, in a database that is there; and an application's table beside it."""
    run_sql(server, database, ["-v", f"source={source}"])
    outbox = Outbox(server, database)
    password = sql.Literal(server.password)
    with outbox.connect("postgres") as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = 'app'").fetchall():
            connection.execute("CREATE ROLE app")
        connection.execute(sql.SQL("ALTER ROLE app LOGIN PASSWORD {}").format(password))
        connection.execute("GRANT needtoknow_writer TO app")
        connection.execute(sql.SQL("ALTER ROLE needtoknow_reader LOGIN REPLICATION PASSWORD {}").format(password))
        connection.execute("CREATE TABLE cases (id text PRIMARY KEY, note text)")
        connection.execute("INSERT INTO cases VALUES ('c0042', '')")
        connection.execute("GRANT SELECT, UPDATE ON cases TO app")
        connection.commit()
    return outbox


def run_sql(server: LocalPostgres, database: str, arguments: Sequence[str]) -> None:
    """The real psql with the published file. Raises CalledProcessError."""
    psql = find_postgres("psql")
    require_part("psql", psql, HOW_TO_GET)
    command = [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments, "-f", str(SQL)]
    subprocess.run(command, env=server.environment(database), check=True, timeout=INSTALL_SECONDS)


def row(access: Access) -> dict[str, object]:
    """The columns that say this access. The number and, as a rule, the source are not the writer's to say."""
    purpose = access.purpose
    candidates = access.candidates
    found = {
        "event_id": access.event_id,
        "actor": access.actor,
        "requested_for": access.requested_for,
        "action": access.action,
        "record_kind": access.record.kind,
        "record_id": access.record.id,
        "candidates": None if candidates is None else Jsonb([one.model_dump() for one in candidates]),
        "recipient": access.recipient,
        "agency": access.agency,
        "purpose_code": purpose and purpose.code,
        "purpose_text": purpose and purpose.text,
        "result": access.result,
        "occurred_at": format_instant(access.occurred_at),
        "occurred_until": None if access.occurred_until is None else format_instant(access.occurred_until),
        "session": access.session,
        "device": access.device,
        "batch_id": access.batch_id,
        "object_count": access.object_count,
    }
    return {name: value for name, value in found.items() if value is not None}


def insert(connection: psycopg.Connection[Any], columns: Mapping[str, object]) -> None:
    """One row; what happens in the transaction is the caller's."""
    statement = sql.SQL("INSERT INTO needtoknow.outbox ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(map(sql.Placeholder, columns))
    )
    connection.execute(statement, columns)
