"""The chain of acts: whatever is changed, moved or taken out shows."""

from __future__ import annotations

import pytest

from schemas.act import GENESIS, Act, digest
from schemas.codec import decode, encode
from sinks.alerts.chain import Head, between, breaks, linked
from tests.harness.acts import NOTE, TAKE, close
from tests.harness.desk import Desk
from tests.harness.findings import make_finding


@pytest.fixture
def acts() -> list[Act]:
    """Five acts on two alerts."""
    desk = Desk()
    desk.hear(make_finding("one"))
    desk.hear(make_finding("two", staff="w018"))
    first, _ = desk.alerts
    desk.act("w002", TAKE, NOTE, close("confirmed"), alert=first)
    return desk.acts


def test_an_untouched_chain_has_no_break(acts: list[Act]) -> None:
    """From the very first act on, also as it is stored."""
    assert acts[0].previous == GENESIS
    assert [a.number for a in acts] == [1, 2, 3, 4, 5]
    assert [a.version for a in acts] == [1, 1, 2, 3, 4]
    assert list(breaks(decode(Act, encode(act)) for act in acts)) == []


@pytest.mark.parametrize("index", range(5))
def test_an_act_that_was_changed_shows(acts: list[Act], index: int) -> None:
    """A minute later is enough; its digest made to fit, the next one no longer follows."""
    acts[index] = acts[index].model_copy(update={"at": acts[index].at + 60_000})
    assert list(breaks(acts)) == [f"act {index + 1} was changed: it does not have its digest"]


@pytest.mark.parametrize("index", range(4))
def test_an_act_that_was_taken_out_shows(acts: list[Act], index: int) -> None:
    """Wherever it was, but at the end: that the topic and the next act show."""
    del acts[index]
    assert any(f"act {index + 1} is missing" in words for words in breaks(acts))


def test_an_act_written_anew_with_its_digest_shows_in_the_next(acts: list[Act]) -> None:
    """Whoever can compute a digest would have to write all that follows anew."""
    changed = acts[2].model_copy(update={"at": acts[2].at + 1})
    acts[2] = changed.model_copy(update={"digest": digest(changed)})
    assert list(breaks(acts)) == [
        "act 4 does not follow the one before: that was changed, or this is of another history"
    ]


def test_acts_that_changed_places_show(acts: list[Act]) -> None:
    """Who was first is evidence."""
    acts[3], acts[4] = acts[4], acts[3]
    assert len(list(breaks(acts))) >= 2


def test_two_numberings_of_one_alert_show() -> None:
    """Each alert counts its own acts, too."""
    desk = Desk()
    desk.hear(make_finding())
    desk.act("w002", NOTE)
    first, second = desk.acts
    forged, _ = linked(
        Head(first.number, first.digest),
        alert_id=second.alert_id,
        version=5,
        at=second.at,
        by=second.by,
        key=None,
        body=second.body,
    )
    assert list(breaks([first, forged])) == ["act 2 is version 5 of its alert, where 2 was due"]


def test_a_part_of_the_chain_is_checked_from_where_it_begins(acts: list[Act]) -> None:
    """Nobody reads seven years to check a day."""
    assert list(breaks(acts[2:], Head(2, acts[1].digest))) == []
    assert list(breaks(acts[2:], Head(2, "f" * 64))) != []


def test_store_and_topic_are_alike_but_for_what_waits_and_what_was_repeated(acts: list[Act]) -> None:
    """The outbox sends at least once, and later than the store has it."""
    done = acts[-2].number
    assert list(between(acts, [*acts[:-1], acts[0]], done)) == []


def test_what_differs_between_store_and_topic_shows(acts: list[Act]) -> None:
    """Changed, in the topic only, or taken out of it."""
    first, second, *others = acts
    changed = second.model_copy(update={"at": second.at + 1})
    assert list(between([second, *others], [first, changed, *others[1:]], acts[-1].number)) == [
        "act 1 is in the topic and not in the store",
        "act 2 is another one in the topic",
        "act 3 was mirrored and is not in the topic",
    ]
