"""`needtoknow alerts`: the same rules and the same history as the console's pages, from a terminal."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from deploy.local.service import Worker
from schemas.codec import encode
from schemas.finding import Finding
from schemas.topics import CONSOLE
from sinks.cli.main import cli
from sinks.cli.main import run as exit_code
from sinks.kafka import Broker, producer, run
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.faults.harness import Running, running, until
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import account, make_access, registered
from tests.harness.findings import make_finding

HOSTILE = "\x1b[31m=cmd|' /C calc'!A0\u202e<script>"


class Terminal:
    """Commands as a person types them, against a console that runs."""

    def __init__(self, one: Running, console: Worker, capsys: pytest.CaptureFixture[str], data: Path) -> None:
        self.one, self.console, self._capsys = one, console, capsys
        self.environment = one.service.environment(NTK_CONSOLE_URL=f"http://{console.address}", NTK_DATA_DIR=str(data))

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What `needtoknow alerts ...` prints; it must end with this exit code."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            self._capsys.readouterr()
            got = exit_code(lambda: cli.main(["alerts", *arguments], prog_name="needtoknow", standalone_mode=False))
        captured = self._capsys.readouterr()
        assert got == code, captured
        assert "Traceback" not in captured.err
        return captured.out or captured.err

    def json(self, *arguments: str, code: int = 0) -> list[Any]:
        """The documents that it prints."""
        return [orjson.loads(line) for line in self(*arguments, "--json", code=code).splitlines()]


def publish(one: Running, findings: Sequence[Finding]) -> None:
    """As the judge does."""
    broker = Broker(one.service.bootstrap, 30)

    async def work() -> None:
        async with producer(broker) as client:
            for finding in findings:
                await client.send(one.topics.violations, encode(finding), key=finding.finding_id.encode())
            for login, staff in (("ana", "s21"), ("ivo", "s22"), ("aud", "s24")):
                fact = registered(account(login, staff, source=CONSOLE, valid_from="2026-01-01"))
                await client.send(one.topics.facts, encode(fact))
            await client.flush()

    run(work(), broker)


@pytest.fixture(scope="module")
def service(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Worker]]:
    """Findings, accounts and a console; no worker is needed."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("terminal"), new_namespace()) as one:
        hostile = make_access(event_id="hostile", name="case:=1+1")
        publish(
            one,
            [
                *(make_finding(f"look-{n}", access=make_access(event_id=f"look-{n}")) for n in range(3)),
                make_finding("hostile", "w666", access=hostile, reason=HOSTILE, near=HOSTILE, severity="high"),
            ],
        )
        yield one, one.service.start_console("ana:analyst,ivo:investigator,aud:auditor,ghost:viewer")


@pytest.fixture
def terminal(service: tuple[Running, Worker], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """Somebody at a terminal, not signed in."""
    made = Terminal(*service, capsys, tmp_path)
    made("sign-in", "ana")
    until(lambda: len(made.json("list")) == 2, "the findings did not become alerts")
    return made


def test_the_gravest_are_listed_first_where_that_is_asked_for(terminal: Terminal) -> None:
    """Whatever has changed last."""
    for alert in sorted(terminal.json("list"), key=lambda one: str(one["severity"]) == "medium"):
        terminal("note", alert["alert_id"], "seen")  # the lesser one is changed last
    assert [alert["severity"] for alert in terminal.json("list")] == ["medium", "high"]
    assert [alert["severity"] for alert in terminal.json("list", "--gravest")] == ["high", "medium"]


def test_an_alert_is_taken_understood_and_closed(terminal: Terminal) -> None:
    """In four commands; what each did is in the history."""
    [alert] = [a for a in terminal.json("list") if a["who"].get("staff") == "w017"]
    name = alert["alert_id"]
    assert "held by ana (s21)" in terminal("acknowledge", name)
    page = terminal("show", name)
    assert page.startswith("w017 viewed case #")
    assert " 3 times" in page.splitlines()[0]
    assert page.count("own-assignment: assignment ended 9 days before") == 3
    assert "closed: data error" in terminal("close", name, "--as", "data_error", "--why", "a wrong row")
    assert "open" not in terminal("list", "--status", "closed", "--json")[:20]
    terminal("reopen", name, "--why", "it was none")
    terminal("note", name, "asked the unit")
    kinds = [act["kind"] for act in terminal.json("show", name)[0]["history"]]
    assert kinds[-4:] == ["acknowledged", "closed", "reopened", "noted"]


def test_who_may_not_is_told_in_one_line(terminal: Terminal) -> None:
    """And nothing is done."""
    name = terminal.json("list")[0]["alert_id"]
    assert "your role may not export" in terminal("export", name, "--why", "to take home", code=1)
    for no_alert in ("a_" + "0" * 32, "a_00", "\x1b"):
        for command in (["note", no_alert, "x"], ["show", no_alert], ["acknowledge", no_alert]):
            told = terminal(*command, code=1)
            assert "(or it is kept from you)" in told
            assert "openapi" not in told
            assert "\x1b" not in told


def test_who_has_not_taken_it_is_told_to(terminal: Terminal) -> None:
    """By the page of the alert, and by what refuses."""
    [alert] = [a for a in terminal.json("list") if a["who"].get("staff") == "w666"]
    assert "to close it, acknowledge it first" in terminal("show", alert["alert_id"])
    told = terminal("close", alert["alert_id"], "--as", "justified", "--why", "x", code=1)
    assert "an alert that is open cannot be closed: acknowledge it first" in told


def test_a_token_is_for_its_owner_alone(terminal: Terminal, tmp_path: Path) -> None:
    """And ends with the session."""
    path = tmp_path / "session"
    assert os.stat(path).st_mode & 0o777 == 0o600
    token = path.read_text()
    terminal("sign-out")
    assert not path.exists()
    assert "sign in first" in terminal("list", code=2)
    terminal.environment["NTK_TOKEN"] = token
    assert "not signed in" in terminal("list", code=1)


def test_whom_no_fact_knows_is_told_so(terminal: Terminal) -> None:
    """At once, not by an empty list."""
    assert "no fact says who you are" in terminal("sign-in", "ghost")
    assert "no fact says which staff member" in terminal("list", code=1)


def test_hostile_text_moves_no_cursor_and_is_no_formula(terminal: Terminal) -> None:
    """In lines, pages and files for spreadsheets."""
    terminal("sign-in", "ivo")
    [alert] = [a for a in terminal.json("list") if a["who"].get("staff") == "w666"]
    for out in (terminal("list"), terminal("show", alert["alert_id"])):
        assert "\x1b" not in out
        assert "\u202e" not in out
    copy = terminal("export", alert["alert_id"], "--why", "for the Law Department", "--format", "csv")
    [_, row] = csv.reader(io.StringIO(copy))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
    assert "'=1+1" in row
    assert "\x1b" not in copy


def test_nobody_at_the_address_is_told_with_what_to_do(terminal: Terminal) -> None:
    """Exit code 3: the world is not ready."""
    terminal.environment["NTK_CONSOLE_URL"] = "http://127.0.0.1:1"
    assert "NTK_CONSOLE_URL" in terminal("list", code=3)


def test_the_store_is_copied_checked_and_brought_back(terminal: Terminal, tmp_path: Path) -> None:
    """Copied while the console runs, brought back elsewhere and up to date from its topic: every act as written."""
    terminal.environment["NTK_DATA_DIR"] = terminal.one.service.environment()["NTK_DATA_DIR"]
    copy = str(tmp_path / "alerts.copy")
    terminal("backup", copy)
    assert "is there already" in terminal("backup", copy, code=1)
    until(lambda: terminal.json("verify")[0]["differences"] == [], "the outbox was not emptied")
    terminal.environment["NTK_DATA_DIR"] = str(tmp_path / "elsewhere")
    terminal("restore", copy)
    assert "not empty" in terminal("restore", copy, code=1)
    assert "rows made anew" in terminal("rebuild", "--from-kafka")
    [told] = terminal.json("verify")
    assert told["differences"] == []
    assert told["acts"] >= 4


def test_no_store_is_not_made_by_looking(terminal: Terminal, tmp_path: Path) -> None:
    """It is said where it was sought, and what to set; an empty one would be as it was written."""
    terminal.environment["NTK_DATA_DIR"] = str(tmp_path / "nowhere")
    for command in (["verify"], ["backup", str(tmp_path / "copy")]):
        told = terminal(*command, code=3)
        assert f"no store at {tmp_path / 'nowhere' / 'alerts.db'}: set NTK_DATA_DIR or NTK_STORE_URL" in told
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "copy").exists()


def test_what_is_no_copy_is_not_brought_back(terminal: Terminal, tmp_path: Path) -> None:
    """And the store stays as empty as it was."""
    terminal.environment["NTK_DATA_DIR"] = str(tmp_path / "elsewhere")
    junk = tmp_path / "junk"
    junk.write_bytes(b"no database" * 1000)
    assert "no whole copy" in terminal("restore", str(junk), code=1)
    assert "rows made anew" in terminal("rebuild", "--from-kafka")


def test_what_was_changed_in_the_store_is_found(terminal: Terminal, tmp_path: Path) -> None:
    """By its own chain, and by its topic."""
    terminal.environment["NTK_DATA_DIR"] = str(tmp_path / "forged")
    terminal("rebuild", "--from-kafka")
    store = Store(sqlite_url(tmp_path / "forged"))
    with store.looking() as connection:
        [raw] = connection.execute(text("SELECT document FROM acts WHERE number = 1")).scalars()
        connection.execute(text("DROP TRIGGER acts_stay"))
        forged = {"raw": raw.replace(b"w017", b"w018").replace(b"w666", b"w018")}
        connection.execute(text("UPDATE acts SET document = :raw WHERE number = 1"), forged)
    store.close()
    differences = orjson.loads(terminal("verify", "--json", code=1))["differences"]
    assert "store: act 1 was changed: it does not have its digest" in differences
    assert "act 1 is another one in the topic" in differences
    assert "act 1 was changed" in terminal("rebuild", code=1)


def test_nobody_who_writes_waits_for_a_check(terminal: Terminal, tmp_path: Path) -> None:
    """It takes minutes with many acts, and a console answers nobody for whom the lock is not free in ten seconds."""
    terminal.environment["NTK_DATA_DIR"] = str(tmp_path / "busy")
    terminal("rebuild", "--from-kafka")
    store = Store(sqlite_url(tmp_path / "busy"))
    with store.writing():
        [told] = terminal.json("verify")
    store.close()
    assert told["differences"] == []
    assert told["mirrored"] >= told["acts"] >= 4


def test_an_act_that_was_moved_to_another_alert_is_found(terminal: Terminal, tmp_path: Path) -> None:
    """Only a column says of which alert an act is read."""
    terminal.environment["NTK_DATA_DIR"] = str(tmp_path / "moved")
    terminal("rebuild", "--from-kafka")
    store = Store(sqlite_url(tmp_path / "moved"))
    with store.looking() as connection:
        connection.execute(text("DROP TRIGGER acts_stay"))
        own = connection.execute(text("SELECT max(number) FROM acts WHERE version = 2")).scalar_one()
        connection.execute(text("UPDATE acts SET alert = 999, version = 99 WHERE number = :own"), {"own": own})
    store.close()
    differences = terminal.json("verify", code=1)[0]["differences"]
    assert f"store: act {own} is kept under another alert than its own" in differences
    assert "is kept under another alert" in terminal("rebuild", code=1)
