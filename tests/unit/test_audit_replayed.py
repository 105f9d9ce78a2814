"""Messages that were refused and would be read today: the audit says so until somebody has replayed or dropped them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.finding import MessagePlace
from schemas.letter_act import Dropped, LetterAct, Replayed, Revealed
from sinks.ledger.logs import Read
from sinks.ledger.replayed import settle_refused
from sinks.ledger.report import Report
from tests.harness.builders import at, make_access
from tests.unit.test_audit import HERE, NOON, last_word, told

KEY = "access.ecms.v1/2/2"
ACCESS = make_access(event_id="e2", name="case:c0099")
ELSEWHERE = ("access.ecms.v1", 3)


def audited(act: LetterAct | None, *, copied: bool = True, letter: bool = True) -> Report:
    """The audit once the reader of the day's dead letter is mended, and this is what was done about it."""
    stored = told()
    logs = stored.logs()
    messages = [
        Read(m.offset, m.appended_at, (ACCESS,), "translated") if m.offset == 2 else m for m in logs.messages[HERE]
    ]
    copy = Read(0, NOON, (ACCESS if copied else make_access(event_id="e9"),), "translated")
    read = {**logs.messages, HERE: messages, ELSEWHERE: [copy]}
    letters = logs.dead_letters if letter else logs.dead_letters - {KEY}
    settle_refused(read, letters, [act] if act else [])
    return last_word(replace(logs, messages=read, dead_letters=letters), stored)


def act(body: Replayed | Dropped | Revealed) -> LetterAct:
    """What somebody did about the letter."""
    return LetterAct(letter=KEY, at=at("18:00"), by="ana", body=body)


COPY = MessagePlace(topic=ELSEWHERE[0], partition=ELSEWHERE[1], offset=0)
REPLAYED = act(Replayed(kind="replayed", copy_at=COPY, tried=True))
DROPPED = act(Dropped(kind="dropped", reason="a test of the vendor"))
LOOKED = act(Revealed(kind="revealed", reason="to see"))
OTHERS = "counts other messages than the log has"


@pytest.mark.parametrize("done", [REPLAYED, DROPPED], ids=lambda one: one.body.kind)
def test_what_was_replayed_or_dropped_stands_as_it_was_refused(done: LetterAct) -> None:
    """The cut said dead letter, and so it was; its copy is a message like any other."""
    report = audited(done)
    assert (report.differences, report.quarantined) == ([], 1)


@pytest.mark.parametrize("done", [None, LOOKED], ids=["nothing", "looked at"])
def test_what_would_be_read_and_nobody_sent_is_a_difference(done: LetterAct | None) -> None:
    """An access that nobody has judged: mending the reader is not enough."""
    assert any(OTHERS in one for one in audited(done).differences)


def test_an_act_excuses_nothing_without_the_copy_and_the_letter() -> None:
    """Whoever can write acts could otherwise hide what a worker passed over on its own, or send something else."""
    assert any(OTHERS in one for one in audited(REPLAYED, copied=False).differences)
    assert any(OTHERS in one for one in audited(REPLAYED, letter=False).differences)
    assert any(OTHERS in one for one in audited(DROPPED, letter=False).differences)
    itself = act(Replayed(kind="replayed", copy_at=MessagePlace(topic=HERE.topic, partition=2, offset=2), tried=True))
    assert any(OTHERS in one for one in audited(itself).differences)
