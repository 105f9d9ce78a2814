"""What may become of a dead letter: by its stage, and with a page to read for every layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.letter_act import Dropped, LetterAct, Revealed
from schemas.topics import CANONICAL, FEEDS, HEARTBEAT, SOURCES, Topics
from sinks.kafka import Message
from sinks.letter_acts import States, act_message, act_of
from sinks.letter_replay import REPLAYED, copy_headers
from sinks.letter_rules import advice, page_of, treatment
from sinks.letter_search import Asked, Listing
from sinks.letters import DeadLetter, read_letter
from streams.sources import facts

ROOT = Path(__file__).parents[2]
TOPICS = Topics("t7.")
LAYOUTS = [(name, kind) for name, s in SOURCES.items() for kind in (*s.content_types, CANONICAL, HEARTBEAT)]


def letter(topic: str, *headers: tuple[str, bytes], offset: int = 991, **why: str) -> DeadLetter:
    """A dead letter of this topic as a worker writes it."""
    words = {
        "topic": topic,
        "partition": "2",
        "offset": str(offset),
        "stage": "translate",
        "class": "RejectedInputError",
    }
    ours = tuple((f"needtoknow.errors.{name}", text.encode()) for name, text in (words | why).items())
    return read_letter(Message("dead-letter.v1", 0, offset, 0, b"", b"{}", (*headers, *ours)))


@pytest.mark.parametrize(("source", "content_type"), LAYOUTS)
def test_every_layout_has_a_page_that_is_there(source: str, content_type: str) -> None:
    """Whoever looks at a letter must find out how it should have been."""
    one = letter(TOPICS.access(source), ("Content-Type", f"{content_type}; charset=utf-8".encode()))
    assert (ROOT / page_of(one, TOPICS)).is_file()
    assert advice(one)


@pytest.mark.parametrize("source", [name for name, source in SOURCES.items() if source.content_types])
def test_the_page_of_a_layout_says_what_whoever_mends_it_must_know(source: str) -> None:
    """Fields, clock, whose login it is, verbs, and what can go wrong; a word in a program is no page."""
    one = letter(TOPICS.access(source), ("content-type", SOURCES[source].content_types[0].encode()))
    text = (ROOT / page_of(one, TOPICS)).read_text(encoding="utf-8")
    assert page_of(one, TOPICS) == f"streams/sources/{source}.md"
    assert all(words in text for words in ("ynthetic", "event_id", "Clock", "Verbs", "actor", "hat can go wrong"))
    assert "Identity" in text or "**Who" in text


def test_the_page_of_facts_names_every_field_and_code() -> None:
    """In the columns in which the translator looks for it."""
    text = (ROOT / "streams/sources/facts.md").read_text(encoding="utf-8")
    fields = [value for value in vars(facts).values() if isinstance(value, facts.Field)]
    assert len(fields) == 16
    for field in fields:
        columns = str(field.first) if field.first == field.last else f"{field.first}-{field.last}"
        assert re.search(rf"^\| {columns} \| {field.name}\b", text, re.M), field
    for codes in (facts._FUNCTIONS, facts._KINDS, facts._RESULTS):
        assert all(f"`{code}` {meaning}" in text for code, meaning in codes.items())


def test_facts_and_conflicts_have_pages_too() -> None:
    """Of a feed its schema, of a conflict what to do about it."""
    pages = {page_of(letter(TOPICS.feed(feed), stage="register"), TOPICS) for feed in FEEDS}
    pages |= {page_of(letter(topic, stage="conflict"), TOPICS) for topic in (TOPICS.facts, TOPICS.access("ecms"))}
    pages.add(page_of(letter("somebody.else"), TOPICS))
    assert all((ROOT / page).is_file() for page in pages)
    assert len(pages) == 3


PROMISED = ("service shows a conflict", "source is asked why", "pages the source", "two accesses of one source (both")


def test_no_page_promises_a_conflict_letter_of_accesses() -> None:
    """There is none: two contents of one id are judged and may be found twice, and a person must know that."""
    pages = [*(ROOT / "streams/sources").glob("*.md"), *(ROOT / "deploy/runbooks").glob("*.md")]
    pages += [*(ROOT / "deploy/publishing").glob("*.md"), *(ROOT / "sinks/cli").glob("*.py")]
    assert len(pages) > 50
    texts = {page.name: " ".join(page.read_text(encoding="utf-8").split()) for page in pages}
    assert [(name, words) for name, text in texts.items() for words in PROMISED if words in text] == []
    assert "found twice" in texts["irss.md"]
    assert "There is no conflict letter for accesses" in texts["paper.md"]


@pytest.mark.parametrize("stage", ["translate", "quarantine", "conflict", "register", "broadcast", "later"])
def test_nothing_goes_to_topics_that_only_we_write(stage: str) -> None:
    """Whatever a letter says of where it came from."""
    ours = (TOPICS.facts, TOPICS.marks, TOPICS.violations, TOPICS.ledger, TOPICS.dead_letters, TOPICS.letter_acts)
    assert {treatment(letter(topic, stage=stage), TOPICS).how for topic in ours} == {"never"}


@pytest.mark.parametrize(
    ("message", "error", "reason"),
    [
        ("actor: is missing", "RejectedInputError", "field"),
        ("byte 7: is not JSON", "RejectedInputError", "unreadable"),
        ("user (columns 26-33): must be upper case", "RejectedInputError", "native"),
        ("content-type: is given twice", "RejectedInputError", "content_type"),
        ("source: must be itself", "SpeaksForAnotherError", "forbidden"),
        ("message: ends a worker", "QuarantinedError", "unknown"),
    ],
)
def test_letters_from_before_say_their_kind_of_reason_too(message: str, error: str, reason: str) -> None:
    """It was not in their headers, so it is told from the place as the writer told it for metrics."""
    assert letter("x", message=message, **{"class": error}).reason == reason


def test_a_copy_has_the_headers_of_the_message_and_says_whose_it_is() -> None:
    """Not those we added, and of a copy of a copy only the last letter."""
    brought = (("content-type", b"a/b"), (REPLAYED, b"first"), ("needtoknow.errors.class", b"forged"))
    one = letter("access.ecms.v1", *brought)
    assert copy_headers(one) == [brought[0], brought[2], (REPLAYED, b"access.ecms.v1/2/991")]


def test_the_last_act_decides_and_looking_changes_nothing() -> None:
    """An act under another key than its letter's is none."""
    at = {"letter": "access.ecms.v1/2/991", "at": 7, "by": "ana"}
    dropped = LetterAct(**at, body=Dropped(kind="dropped", reason="x"))
    looked = LetterAct(**at, body=Revealed(kind="revealed", reason="x"))
    states = States()
    assert states.of("access.ecms.v1/2/991") == "open"
    for act in (looked, dropped, looked):
        states.add(act)
    assert states.of("access.ecms.v1/2/991") == "dropped"
    assert [states.of(name) for name in ("access.ecms.v1/2/992", "x", "a/b/c")] == ["open"] * 3
    key, value, headers = act_message(dropped)
    assert act_of(Message("t", 0, 0, 0, key, value, headers)) == dropped
    assert act_of(Message("t", 0, 0, 0, b"access.ecms.v1/2/1", value, headers)) is None
    assert act_of(Message("t", 0, 0, 0, key, b"{}", headers)) is None


def test_a_list_keeps_no_more_than_it_shows() -> None:
    """Without content, the newest or the oldest, and it counts all; what was written twice is one."""
    newest, oldest = Listing(2, is_newest=True), Listing(2, is_newest=False)
    for listing in (newest, oldest):
        for offset, is_new in ((1, True), (2, True), (2, False), (3, True), (1, False)):
            listing.add(letter("access.ecms.v1", offset=offset), is_new=is_new)
        assert listing.total == 3
        assert all(one.value is None for one in listing.letters)
    assert [(one.offset, one.times) for one in newest.letters] == [("3", 1), ("2", 2)]
    assert [(one.offset, one.times) for one in oldest.letters] == [("1", 2), ("2", 2)]


def test_a_letter_is_taken_when_all_that_was_asked_fits() -> None:
    """Whose it is, stage, kind of reason or class of error, what became of it, and its name or number."""
    one = letter(TOPICS.access("irss"), reason="native")
    fits = [
        {"source": "irss"},
        {"stage": "translate", "error": "native"},
        {"error": "RejectedInputError", "state": "open"},
        {"names": frozenset({one.name, "a/0/1"})},
        {"numbers": frozenset({991})},
    ]
    others = [
        {"source": "ecms"},
        {"feed": "staff"},
        {"stage": "register", "source": "irss"},
        {"error": "field"},
        {"state": "dropped"},
        {"names": frozenset({"a/0/1"})},
        {"numbers": frozenset({992}), "source": "irss"},
    ]
    for asked in fits:
        assert Asked(**asked).takes(one, TOPICS, "open"), asked
    for asked in others:
        assert not Asked(**asked).takes(one, TOPICS, "open"), asked
    assert not Asked(feed="console").takes(letter(TOPICS.access("console")), TOPICS, "open")


def test_asking_for_nothing_is_asking_for_everything() -> None:
    """Whoever narrows it does not."""
    assert Asked(state="open").is_everything
    assert not Asked(since=0).is_everything
    assert not Asked(numbers=frozenset({0})).is_everything
