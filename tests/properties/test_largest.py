"""Whatever access is taken, what we make of it can be read again: no emitter writes what stops those who read it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path
from typing import get_args

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st

from schemas.access import Action, Result
from schemas.act import Act, Actor, Supplemented
from schemas.alert import Alert, Tally
from schemas.codec import ACT_MAX, ALERT_MAX, FINDING_MAX, MESSAGE_MAX, decode, encode
from schemas.errors import RejectedInputError
from schemas.finding import Certainty, Finding, Flag, Outcome, Severity
from schemas.ledger import Cut
from schemas.settings import Settings
from schemas.topics import Topics
from sinks.alerts.chain import Head, linked
from sinks.alerts.rebuilding import rebuild
from sinks.alerts.walking import Walk
from sinks.alerts.writing import hear
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.contract.examples import CUT
from tests.harness.desk import MemoryWriting
from tests.harness.findings import make_finding, place
from tests.harness.largest import TOPIC_MAX, largest_access, largest_finding

LETTERS = st.sampled_from(["\\", '"', "a", "/", "~"])
TEXT = st.text(
    st.sampled_from(["\x00", "\x1f", "\n", '"', "\\", "a", "ä", "€", "\U0001f512", "\x7f", "\u2028"]), max_size=2_000
)
HEADERS = 4_096  # bytes of a message beside its value: a key and five headers have some 300


def act_of(finding: Finding) -> Act:
    """The largest act that carries it."""
    name = "\\" * 200
    body = Supplemented(
        kind="supplemented",
        moved_to="a_" + "0" * 32,
        finding=finding,
        certainty="provisional",
        place=place().model_copy(update={"topic": "x" * TOPIC_MAX, "partition": 2**31 - 1, "offset": 2**63 - 1}),
    )
    by = Actor(staff=name, login=name, role="investigator")
    alert_id = "a_" + "0" * 32
    return linked(Head(2**62), alert_id=alert_id, version=2**31, at=0, by=by, key=name, body=body)[0]


@given(LETTERS, TEXT | st.just("\x01" * 2_000), st.integers(0, 199), LETTERS)
def test_what_is_said_of_any_access_that_is_taken_is_read_again(
    letter: str, purpose: str, shape: int, other: str
) -> None:
    """Its finding, and the act of that, with all the escapes there are."""
    raw = largest_access(letter, purpose, shape)
    finding = largest_finding(raw, other)
    assert decode(Finding, encode(finding)) == finding
    act = act_of(finding)
    assert decode(Act, encode(act)) == act


def test_such_an_access_is_as_large_as_may_be() -> None:
    """So that the law above is about what it says; its finding is larger than any message that others may send."""
    raw = largest_access("\\", "\x01" * 2_000)
    assert MESSAGE_MAX - 500 < len(raw) <= MESSAGE_MAX
    assert MESSAGE_MAX < len(encode(largest_finding(raw))) < FINDING_MAX - 40_000


def test_every_finding_that_is_read_gives_an_act_that_is_read() -> None:
    """Also one that no judge of ours writes: it fills the limit to the byte."""
    finding = largest_finding(largest_access("\\", "\x01" * 2_000))
    whole = finding.model_copy(update={"reason": finding.reason + "." * (FINDING_MAX - len(encode(finding)))})
    assert decode(Finding, encode(whole)) == whole
    assert decode(Act, encode(act_of(whole))).body == act_of(whole).body
    with pytest.raises(RejectedInputError, match=f"larger than {FINDING_MAX}"):
        decode(Finding, encode(whole.model_copy(update={"reason": whole.reason + "."})))


def test_an_alert_that_begins_with_such_a_finding_is_walked_and_made_anew(tmp_path: Path) -> None:
    """Or whoever can send an access could end both."""
    store = Store(sqlite_url(tmp_path))
    store.upgrade()
    with store.writing() as writing:
        hear(writing, largest_finding(largest_access("\\", "\x01" * 2_000)), place(), writing.moment(0))
        hear(writing, make_finding("another"), place(1), writing.moment(0))
    walk, found = Walk(), []
    while not walk.is_over:
        with store.reading() as reading:
            found += walk.step(reading)
    assert (found, walk.count, rebuild(store)) == ([], 2, 2)
    store.close()


def test_a_cut_over_numbers_without_neighbours_is_read_again() -> None:
    """A source that counts in twos, from a high number, does not make its batches unverifiable."""
    most = Settings.model_fields["batch_messages"].default
    numbers = range(2**63 - 2 * most, 2**63, 2)
    cut = decode(Cut, CUT).model_copy(update={"sequences": {"ecms": [(n, n) for n in numbers]}})
    assert len(cut.sequences["ecms"]) == most
    assert len(encode(cut)) > MESSAGE_MAX
    assert decode(Cut, encode(cut)) == cut


def test_their_topics_and_their_writers_take_them() -> None:
    """A message that its topic refuses would be tried for ever."""
    sizes = {topic.name: topic.max_bytes for topic in Topics().all()}
    request = inspect.signature(AIOKafkaProducer).parameters["max_request_size"].default
    assert sizes[Topics().violations] > FINDING_MAX + HEADERS
    assert min(sizes[Topics().alert_events], request) > ACT_MAX + HEADERS


def test_an_alert_with_every_tally_there_can_be_is_read_again() -> None:
    """Its findings differ in all that can differ; nobody writes an alert that its own store refuses."""
    writing = MemoryWriting()
    hear(writing, largest_finding(largest_access("\\", "")), place(), 0)
    [alert] = writing.alerts.values()
    full = alert.model_copy(update={"tallies": tuple(every_tally())})
    assert MESSAGE_MAX < len(encode(full)) < ALERT_MAX
    assert decode(Alert, encode(full)) == full


def every_tally() -> Iterator[Tally]:
    """One of each kind."""
    flags = [f for number in range(len(get_args(Flag)) + 1) for f in combinations(get_args(Flag), number)]
    kinds = [get_args(kind) for kind in (Outcome, Certainty, Severity, Action, Result)]
    both = (False, True)
    for outcome, certainty, severity, action, result, flag, is_bulk, claimed in product(*kinds, flags, both, both):
        yield Tally(
            outcome=outcome,
            certainty=certainty,
            severity=severity,
            action=action,
            result=result,
            flags=flag,
            is_bulk=is_bulk,
            is_claimed=claimed,
            count=2**31,
            shown=2**31,
        )
