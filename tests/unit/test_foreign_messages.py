"""Topics that only our own workers write, with something in them that they have not written."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from schemas.settings import Settings
from schemas.topics import Topics
from streams.agents.last_cuts import Claim, LastCuts
from streams.agents.outgoing import cut_digest
from streams.broadcast import Broadcast
from streams.join.open import Partition
from streams.join.reconcile import state_of
from streams.policy.judging import Judging
from streams.telemetry import Telemetry
from streams.told import read_finding
from streams.touching import Touching
from tests.contract.examples import CUT
from tests.harness.builders import make_access
from tests.harness.judging import PARTITION, judging, messages
from tests.harness.verdicts import JDOE

ABOUT = Partition("access.ecms.v1", 2)
KEY = b"access.ecms.v1/2"
SECRET = "jdoe12"

Changes = Mapping[tuple[str, ...], Any]


@dataclass
class Message:
    """What is read of a Kafka record."""

    value: bytes | None
    key: bytes | None = KEY
    offset: int = 7
    timestamp: int = 0


@dataclass
class Placed(Message):
    """One of `ledger.v1`, which is read with its place."""

    topic: str = "ledger.v1"
    partition: int = 0


def finding() -> Any:
    """One of ours, and the value it is."""
    judge = judging(JDOE)
    [found] = judge.batch(PARTITION, "ecms", messages(make_access(SECRET, "view", "case:c0042"))).findings
    return found


def changed(document: bytes, *path: str, to: Any) -> bytes:
    """The same with another value there; None: without it."""
    whole = orjson.loads(document)
    at = whole
    for name in path[:-1]:
        at = at[name]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return orjson.dumps(whole)


def listening(judge: Judging, telemetry: Telemetry) -> Broadcast:
    """A broadcast that has not begun to read."""
    return Broadcast(
        Settings(),
        knowledge=judge.knowledge,
        completeness=judge.completeness,
        published=judge.published,
        index=judge.index,
        telemetry=telemetry,
        touching=Touching(judge.knowledge, depth=2, on_change=lambda queries: None),
        on_change=lambda strangers: None,
        on_conflict=lambda feed, message: None,
    )


def passed_over(telemetry: Telemetry) -> int:
    """How many messages were, by the metrics."""
    series = b'needtoknow_dead_letters_total{reason="unreadable",stage="broadcast"} '
    [line] = [line for line in telemetry.page().splitlines() if line.startswith(series)]
    return int(float(line.removeprefix(series)))


RAW = finding().model_dump_json().encode()
FOREIGN = [
    None,
    b"",
    b"hello",
    b"[]",
    b"{}",
    *(
        changed(RAW, *path, to=value)
        for path, value in (
            (("message", "offset"), -1),
            (("message", "offset"), 2**63),
            (("message", "offset"), "7"),
            (("message", "partition"), -1),
            (("message", "topic"), 7),
            (("message",), None),
            (("position",), "318"),
            (("position",), -1),
            (("certainty",), "certain"),
            (("outcome",), "guilty"),
            (("severity",), 3),
            (("staff",), ["w028"]),
            (("flags",), [["borderline"]]),
            (("policy",), "hash"),
            (("access", "actor"), None),
            (("access", "record"), [SECRET]),
            (("access", "candidates"), [SECRET]),
        )
    ),
]


@pytest.mark.parametrize("value", FOREIGN)
def test_a_finding_that_is_not_ours_is_passed_over(value: bytes | None, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of it is taken in, it is counted, and it is said without saying whom it is about."""
    judge, telemetry = judging(JDOE), Telemetry()
    broadcast: Any = listening(judge, telemetry)
    with caplog.at_level(logging.ERROR):
        broadcast._apply(TopicPartition(Topics().violations, 0), Message(value))
    assert (len(judge.published), list(judge.index.all_said()), len(judge.index)) == (0, [], 0)
    assert passed_over(telemetry) == 1
    assert "violations.v1/0/7 is not ours" in caplog.text
    assert SECRET not in caplog.text


def test_what_is_ours_is_taken_in() -> None:
    """As it was told, and it is known of whom something was said."""
    judge, telemetry, told = judging(JDOE), Telemetry(), finding()
    broadcast: Any = listening(judge, telemetry)
    broadcast._apply(TopicPartition(Topics().violations, 0), Message(RAW))
    assert judge.published.state(told.finding_id, PARTITION) == state_of(told)
    assert judge.index.said(PARTITION, None, 1 << 40) == {told.message.offset}
    assert passed_over(telemetry) == 0


def test_a_finding_without_flags_is_of_an_older_worker() -> None:
    """Findings are kept for seven years."""
    assert read_finding(changed(RAW, "flags", to=None)).state == state_of(finding())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"hello"),
        (b"hello", b'{"reconciled":1}'),
        (KEY, None),
        (KEY, b"hello"),
        (KEY, b"{}"),
        (KEY, b"[]"),
        (None, CUT),
        (b"access.ecms.v1/3", CUT),
        (KEY, changed(CUT, "reconciled", to="318")),
        (KEY, changed(CUT, "reconciled", to=-1)),
        (KEY, changed(CUT, "partition", to=None)),
    ],
)
def test_a_cut_that_is_not_ours_is_passed_over(key: bytes | None, value: bytes | None) -> None:
    """And the cut before it is still the last."""
    telemetry = Telemetry()
    ledger: Any = LastCuts(Settings(), telemetry)
    ledger._hear([Placed(CUT), Placed(value, key)])
    assert ledger._newest == {ABOUT: cut_digest(CUT)}
    assert ledger._claims == {ABOUT: Claim(1010, 318)}
    assert passed_over(telemetry) == 1


def test_of_the_cuts_of_a_partition_the_newest_counts() -> None:
    """Whatever it says."""
    newer = changed(CUT, "reconciled", to=12)
    ledger: Any = LastCuts(Settings(), Telemetry())
    ledger._hear([Placed(CUT), Placed(newer)])
    assert ledger._newest == {ABOUT: cut_digest(newer)}
    assert ledger._claims == {ABOUT: Claim(1010, 12)}


def test_a_settlement_is_the_last_cut_and_leaves_the_claim() -> None:
    """Of however long ago."""
    settlement = changed(changed(CUT, "first_offset", to=5), "next_offset", to=5)
    ledger: Any = LastCuts(Settings(), Telemetry())
    ledger._hear([Placed(CUT), *[Placed(settlement)] * 20])
    assert ledger._newest == {ABOUT: cut_digest(settlement)}
    assert ledger._claims == {ABOUT: Claim(1010, 318)}
