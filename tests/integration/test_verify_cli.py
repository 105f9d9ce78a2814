"""`verify` on topics that somebody else has written to: it says where, and goes on to the end."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest

from schemas.ids import format_instant
from tests.contract.examples import CUT, FINDING
from tests.harness.broker import SharedBroker
from tests.integration.cli import Program
from tests.integration.cli import program as make_program

SECRET = b"jane-roe-1987"


@pytest.fixture
def program(
    kafka: SharedBroker, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program with its topics."""
    made = make_program(kafka, namespace, monkeypatch, capsys)
    made("topics", "apply", "--single-broker")
    return made


def differences(program: Program, *arguments: str) -> list[str]:
    """What verify finds wrong, and must."""
    report: dict[str, Any] = orjson.loads(program("verify", "--json", *arguments, code=1).out)
    return cast(list[str], report["differences"])


def place(program: Program, topic: str, value: bytes) -> str:
    """Where a message lies."""
    [message] = [m for m in program.messages(topic) if m.value == value]
    return f"{topic}/{message.partition}/{message.offset}"


def test_what_is_none_of_ours_is_told_by_its_place(program: Program) -> None:
    """Each of our own topics, all in one report, and nothing of what is in it; the rest is looked at as well."""
    topics, access = program.topics, program.topics.access("ecms")
    own = {topics.marks: "mark", topics.ledger: "cut", topics.violations: "finding", topics.facts: "fact"}
    junk = b'{"who":"%b"}' % SECRET
    for topic in own:
        program.store(topic, SECRET, junk)
    cut = orjson.dumps(orjson.loads(CUT) | {"topic": access})
    program.store(topics.ledger, b"x", cut)
    found = differences(program)
    for topic, what in own.items():
        assert len([one for one in found if one.startswith(f"{place(program, topic, junk)}: is no {what}: ")]) == 1
    assert any(f"cut {access}/2 [960, 1010)" in one for one in found)
    assert SECRET.decode() not in "".join(found)


def test_what_was_none_of_ours_before_is_not_told_every_night(program: Program) -> None:
    """Only what was stored since, findings too, of which all are read."""
    program.store(program.topics.violations, b"x", b"{}")
    [message] = program.messages(program.topics.violations)
    since = format_instant(message.timestamp + 1)
    report = orjson.loads(program("verify", "--json", "--since", since, code=3).out)  # nothing else was stored
    assert report["differences"] == []
    assert len(differences(program, "--since", format_instant(message.timestamp))) == 1


def test_a_finding_about_an_access_that_never_was_is_told(program: Program) -> None:
    """An empty log has lost nothing to its retention."""
    access = program.topics.access("ecms")
    forged = orjson.loads(FINDING) | {"message": {"topic": access, "partition": 2, "offset": 991}}
    program.store(program.topics.violations, b"x", orjson.dumps(forged))
    assert differences(program) == [f"finding {forged['finding_id']}: is about {access}/2/991, which never was"]
