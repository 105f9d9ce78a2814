"""What the tables look like, how they come to be, and databases that are not there."""

from __future__ import annotations

import traceback
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DBAPIError

from schemas.errors import RejectedInputError
from sinks.alerts.writing import hear
from sinks.store.copying import copy_store, restore_store
from sinks.store.engine import READERS, StoreFaultError, StoreNotReadyError, sqlite_url
from sinks.store.store import Store
from sinks.store.tables import METADATA, SECRETS
from tests.harness.findings import make_finding, place
from tests.harness.postgres import new_database_name


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty database of each kind."""
    return Store(sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("database"))


def test_the_migrations_make_the_tables_that_the_code_believes_in(store: Store) -> None:
    """Twice is once; the index of words, which each database has in its own way, is beside them."""
    store.upgrade()
    store.upgrade()
    store.refuse_unless_current()
    with store._engine.begin() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)
    names = {getattr(change[1], "name", "") for change in found if change[0] in {"remove_table", "remove_index"}}
    assert [c for c in found if c[0] not in {"remove_table", "remove_index"}] == []
    assert all(name.startswith("act_text") for name in names)
    store.close()


def test_a_store_of_another_version_is_refused(store: Store) -> None:
    """Nobody works on tables that are not those of the code."""
    with pytest.raises(StoreNotReadyError, match="of version none"):
        store.refuse_unless_current()
    store.upgrade()
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreNotReadyError, match="of version 9999, this code needs 0010"):
        store.refuse_unless_current()
    store.close()


def test_a_commit_is_on_the_disk_whichever_connection_made_it(store: Store) -> None:
    """A process that is killed cannot show it, a machine without power would: so each connection is asked."""
    store.upgrade()
    with ExitStack() as held:
        looking = [held.enter_context(store.looking()) for _ in range(READERS)]  # all that there may be at once
        assert [_durability(connection) for connection in looking] == [_DURABLE[store.kind]] * READERS
    store.close()  # what is opened now is new
    with store.changing() as connection:
        assert _durability(connection) == _DURABLE[store.kind]
    store.close()


_DURABLE = {"sqlite": [2, "wal"], "postgresql": ["on"]}  # 2: FULL, each commit is forced to the disk


def _durability(connection: Connection) -> list[object]:
    asked = {"sqlite": ("PRAGMA synchronous", "PRAGMA journal_mode"), "postgresql": ("SHOW synchronous_commit",)}
    return [connection.exec_driver_sql(words).scalar_one() for words in asked[connection.dialect.name]]


@pytest.mark.parametrize("url", ["mysql://somewhere/alerts", "nonsense", "sqlite+nothing:///x"])
def test_what_is_no_store_is_named(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the setting, not by its value, which may hold a password; and no file is made for it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreNotReadyError, match="NTK_STORE_URL") as told:
        Store(url)
    assert "somewhere" not in str(told.value)
    assert [*tmp_path.iterdir()] == []


def test_a_server_that_is_away_is_told_in_a_line(postgres: object) -> None:
    """Without the address's password."""
    url = postgres.create_database(new_database_name())
    away = url.replace(f":{postgres.port}/", ":1/")
    assert away != url
    with pytest.raises(StoreNotReadyError, match="did not answer") as told:
        Store(away).upgrade()
    assert postgres.password not in str(told.value)


def test_a_store_whose_connections_are_all_in_use_is_not_ready(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for one waits, says so, and tries again: no task of the console ends on it."""
    store.upgrade()
    monkeypatch.setattr(store._engine.pool, "_timeout", 0.01)
    with ExitStack() as held:
        for _ in range(READERS):
            held.enter_context(store.reading())
        with pytest.raises(StoreNotReadyError, match="no connection free"), store.writing():
            pass
        with pytest.raises(StoreNotReadyError, match="no connection free"):
            store.upgrade()
        with pytest.raises(StoreNotReadyError, match="no connection free"):
            store.refuse_unless_current()
    with store.writing():
        pass
    store.close()


SECRET = "jane-roe-1987"  # stands for somebody's data


@pytest.mark.parametrize("is_broken", [True, False], ids=["a rule", "the database"])
def test_what_a_database_complains_of_repeats_nobodys_data(store: Store, is_broken: bool) -> None:
    """Neither what was to be written, nor what the server says of it: this goes to logs."""
    store.upgrade()
    table = insert(SECRETS) if is_broken else text("INSERT INTO nowhere (name, value) VALUES (:name, :value)")
    expected: type[Exception] = StoreNotReadyError if store.kind == "sqlite" and not is_broken else StoreFaultError
    with pytest.raises(expected) as told, store.changing() as connection:
        connection.execute(table, [{"name": SECRET, "value": SECRET.encode()}] * 2)
    assert SECRET not in "".join(traceback.format_exception(told.value))
    with pytest.raises(DBAPIError) as raw, store._engine.begin() as connection:
        connection.execute(text("INSERT INTO nowhere (name) VALUES (:name)"), {"name": SECRET})
    assert SECRET not in str(raw.value)
    store.close()


def test_a_value_that_postgresql_cannot_read_is_not_repeated(database: str) -> None:
    """Its first line repeats it."""
    store = Store(database)
    with pytest.raises(StoreFaultError, match="InvalidTextRepresentation 22P02") as told, store.looking() as found:
        found.execute(text("SELECT CAST(CAST(:words AS text) AS bigint)"), {"words": SECRET})
    assert SECRET not in "".join(traceback.format_exception(told.value))
    store.close()


def test_a_directory_that_cannot_be_made_is_no_store(tmp_path: Path) -> None:
    """A file has its name."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreNotReadyError, match="cannot be made"):
        Store(sqlite_url(tmp_path / "file" / "data"))


def test_a_full_disk_is_told_in_a_line(tmp_path: Path) -> None:
    """SQLite's own bound stands for it: pages may not become more."""
    store = Store(sqlite_url(tmp_path))
    store.upgrade()
    with store._engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(StoreNotReadyError, match="full"):
            _fill(connection)
    store.close()


def _fill(connection: object) -> None:
    from sinks.store.engine import no_surprise

    with no_surprise():
        connection.exec_driver_sql("CREATE TABLE filler AS SELECT zeroblob(100000)")


def test_a_copy_brought_back_is_the_same_store(store: Store, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Of each database by one command; into an empty one only."""
    store.upgrade()
    with store.writing() as writing:
        hear(writing, make_finding(), place(), 7)
    copy = tmp_path / "alerts.copy"
    copy_store(store, copy)
    files = [*tmp_path.glob("alerts*")]
    assert copy in files
    assert [file for file in files if file.stat().st_mode & 0o077] == [], "anybody here can read who looked at what"
    if store.kind == "sqlite":
        other = Store(sqlite_url(tmp_path / "other"))
    else:
        other = Store(request.getfixturevalue("postgres").create_database(new_database_name()))
    restore_store(other, copy)
    other.refuse_unless_current()
    with store.reading() as reading, other.reading() as brought_back:
        assert brought_back.acts() == reading.acts() != []
        assert brought_back.head() == reading.head()
    with pytest.raises(RejectedInputError, match="not empty"):
        restore_store(other, copy)
    with pytest.raises(RejectedInputError, match="is there already"):
        copy_store(store, copy)
    with other.writing() as writing:
        hear(writing, make_finding("next"), place(1), 8)
    store.close()
    other.close()
