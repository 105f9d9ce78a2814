"""The PostgreSQL of the demo and of these tests is a real one, and what we promise about it holds."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from deploy.local.postgres import HOW_TO_GET, LocalPostgres, PostgresError, find_postgres
from tests.harness.parts import require_part
from tests.harness.postgres import a_postgres, new_database_name

MAKE = text("CREATE TABLE kept (word text)")
WRITE = text("INSERT INTO kept VALUES (:word)")
READ = text("SELECT word FROM kept ORDER BY word")


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPostgres]:
    """One that these tests may kill; each leaves it running."""
    with a_postgres(tmp_path_factory.mktemp("mine"), print) as server:
        yield server


def connect(url: str) -> Engine:
    """Without a pool: no connection outlives its `with`."""
    return create_engine(url, poolclass=NullPool)


def write(url: str, *words: str) -> None:
    """In a table of its own."""
    with connect(url).begin() as connection:
        connection.execute(MAKE)
        for word in words:
            connection.execute(WRITE, {"word": word})


def read(url: str) -> list[str]:
    with connect(url).begin() as connection:
        return list(connection.execute(READ).scalars())


def hold(url: str) -> psycopg.Connection:
    """A connection that is in a transaction and stays there, for something to happen to it."""
    connection = psycopg.connect(url.replace("+psycopg", ""))
    connection.execute("INSERT INTO kept VALUES ('not committed')")
    return connection


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it began, which is more than one process for a PostgreSQL."""
    first = psutil.Process(pid)
    found = [first, *first.children(recursive=True)]
    assert len(found) > 3
    return found


def wait_ended(processes: list[psutil.Process]) -> None:
    """Fails unless all end soon. One that has ended is listed until whoever inherited it has been told."""
    deadline = time.monotonic() + 10
    while left := [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def test_a_test_has_a_database_of_its_own(postgres: LocalPostgres, database: str) -> None:
    """What one test makes is not in the way of another."""
    other = postgres.create_database(new_database_name())
    write(database, "here")
    write(other, "there")
    assert (read(database), read(other)) == (["here"], ["there"])


def test_a_database_is_a_copy_of_a_template(postgres: LocalPostgres) -> None:
    """A test that needs a filled store copies one instead of filling its own; each can be dropped, also in use."""
    template, copy = new_database_name(), new_database_name()
    write(postgres.create_database(template), "prepared")
    url = postgres.create_database(copy, template=template)
    with connect(url).begin() as connection:
        connection.execute(WRITE, {"word": "added"})
    assert read(url) == ["added", "prepared"]
    assert read(postgres.url_of(template)) == ["prepared"]
    with closing(hold(url)):
        postgres.drop_database(copy)
    with pytest.raises(OperationalError, match="does not exist"):
        read(url)


def test_it_is_as_durable_as_in_production_and_on_loopback_only(postgres: LocalPostgres) -> None:
    """A store that passes here must not owe it to a setting that nobody has in production."""
    with connect(postgres.url).connect() as connection:
        found = {
            name: connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in (
                "fsync",
                "full_page_writes",
                "synchronous_commit",
                "listen_addresses",
                "unix_socket_directories",
            )
        }
    assert found == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }


def test_nobody_gets_in_without_the_password(postgres: LocalPostgres) -> None:
    """A superuser can run programs, and a machine may have more users than one."""
    with pytest.raises(OperationalError, match="password authentication failed"):
        connect(postgres.url.replace(postgres.password, "guessed")).connect()


def test_what_was_committed_survives_a_kill(mine: LocalPostgres) -> None:
    """After SIGKILL it comes back at the same address with all that was committed, and nothing that was not."""
    name = new_database_name()
    url = mine.create_database(name)
    write(url, "committed")
    with closing(hold(url)):
        before = family(mine.pid)
        mine.kill()
    wait_ended(before)
    mine.start()
    assert mine.url_of(name) == url
    assert read(url) == ["committed"]


def test_a_stop_in_order_waits_for_nobody_and_leaves_no_process(mine: LocalPostgres) -> None:
    """Whoever is connected is cut off, everything is written, and a second stop does no harm."""
    url = mine.create_database(new_database_name())
    write(url, "kept")
    with closing(hold(url)):
        before = family(mine.pid)
        mine.stop()
    wait_ended(before)
    mine.stop()
    mine.start()
    assert read(url) == ["kept"]
    assert "was not properly shut down" not in mine.written()


def test_two_run_side_by_side(postgres: LocalPostgres, mine: LocalPostgres) -> None:
    """Each has its port, its password and its data."""
    name = new_database_name()
    write(postgres.create_database(name), "one")
    write(mine.create_database(name), "two")
    assert (read(postgres.url_of(name)), read(mine.url_of(name))) == (["one"], ["two"])
    assert postgres.port != mine.port
    assert postgres.password != mine.password


def test_a_dump_is_restored(postgres: LocalPostgres, database: str, tmp_path: Path) -> None:
    """pg_dump and pg_restore are those of the server's version, and need no further argument than a file."""
    write(database, "kept")
    file, copy = tmp_path / "dump", new_database_name()
    for program, name, arguments in (
        ("pg_dump", database.rpartition("/")[2], ["--format=custom", f"--file={file}"]),
        ("pg_restore", copy, ["--exit-on-error", f"--dbname={copy}", str(file)]),
    ):
        path = find_postgres(program)
        assert path
        if name == copy:
            postgres.create_database(copy)
        subprocess.run([path, *arguments], env=postgres.environment(name), check=True, timeout=30)
    assert read(postgres.url_of(copy)) == ["kept"]


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The end of PostgreSQL's own log is in the error, so nobody has to look for the file."""
    require_part("PostgreSQL", find_postgres(), HOW_TO_GET)
    server = LocalPostgres(tmp_path, settings={"shared_buffers": "a lot"})
    try:
        with pytest.raises(PostgresError, match=r"(?s)ended with status.*invalid value.*a lot"):
            server.start()
    finally:
        server.discard()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_a_killed_starter_leaves_nothing_running(tmp_path: Path) -> None:
    """A test run may be killed in a way that it never hears of; all processes of its server end all the same."""
    require_part("PostgreSQL", find_postgres(), HOW_TO_GET)
    program = (
        "import pathlib, signal, sys; from deploy.local.postgres import LocalPostgres;"
        "print(LocalPostgres(pathlib.Path(sys.argv[1])).start().pid, flush=True); signal.pause()"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert starter.stdout is not None
        started = family(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
        wait_ended(started)
    finally:
        starter.kill()
        starter.wait(timeout=10)
        LocalPostgres(tmp_path).discard()
