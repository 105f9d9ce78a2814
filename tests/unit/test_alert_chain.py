"""The chain of acts: whatever is changed, moved or taken out shows."""

from __future__ import annotations

import pytest

from schemas.act import GENESIS, Act, digest
from schemas.codec import decode, encode
from sinks.alerts.chain import Head, Seen, breaks, linked, unlike
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


def test_versions_are_counted_on_from_part_to_part(acts: list[Act]) -> None:
    """Where somebody keeps them."""
    versions: dict[str, int] = {}
    assert list(breaks(acts[:3], versions=versions)) == []
    assert list(breaks(acts[3:], Head(3, acts[2].digest), versions)) == []
    assert sorted(versions.values()) == [1, 4]
    forged, _ = linked(
        Head(acts[4].number, acts[4].digest),
        **{name: getattr(acts[4], name) for name in ("alert_id", "at", "by", "body")},
        version=7,
        key=None,
    )
    assert list(breaks([forged], Head(5, acts[4].digest))) == []
    assert list(breaks([forged], Head(5, acts[4].digest), versions)) == [
        "act 6 is version 7 of its alert, where 5 was due"
    ]


def test_what_was_not_seen_is_missing() -> None:
    """In any order, more than once, and beyond what was ever seen."""
    seen = Seen(3)
    for number in (4, 1, 2, 4, 6):
        seen.add(number)
    lacking = [f"act {n} was mirrored and is not in the topic" for n in (3, 5)]
    assert list(seen.missing(6)) == lacking
    assert list(seen.missing(4)) == lacking[:1]
    assert len(list(seen.missing(5_000))) == 2 + 4_994
    seen.add(3)
    assert list(seen.missing(6)) == lacking[1:]
    seen.skip(5)
    assert list(seen.missing(6)) == []


def test_a_gap_that_many_have_passed_over_is_one_and_takes_no_memory() -> None:
    """Ten million acts behind it are counted by two numbers."""
    seen = Seen(3)
    for number in [*range(1, 5), *range(7, 5_000)]:
        seen.add(number)
    assert [words.split()[1] for words in seen.missing(5_000)] == ["5", "6", "5000"]
    assert len(seen._beyond) <= 3


def test_an_act_of_the_topic_is_another_or_not_in_the_store(acts: list[Act]) -> None:
    """Or the same."""
    changed = acts[1].model_copy(update={"at": acts[1].at + 1})
    assert unlike(acts[1], acts[1]) is None
    assert unlike(None, acts[0]) == "act 1 is in the topic and not in the store"
    assert unlike(acts[1], changed) == "act 2 is another one in the topic"
