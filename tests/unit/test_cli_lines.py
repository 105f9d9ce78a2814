"""What people read: lines, states, and nothing that could deceive a terminal."""

from __future__ import annotations

import itertools
from functools import reduce

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, encode
from schemas.finding import Certainty, Finding, Outcome
from schemas.topics_check import Difference
from sinks.cli.letter_lines import Shown, page
from sinks.cli.letter_table import show_letters
from sinks.cli.lines import finding_line, json_line, letter_line, moment, safe, safe_bytes, topic_line
from sinks.joined import Joined, State, join, spoken
from sinks.kafka import Message
from sinks.letter_rules import Origin
from sinks.letters import DeadLetter, joined, read_letter
from sinks.progress import line
from tests.contract.examples import FINDING

FOUND = decode(Finding, FINDING)
SECRET = b"jane-roe-1987"


def finding(position: int = 318, outcome: Outcome = "unexplained", certainty: Certainty = "provisional") -> Finding:
    """The example finding at another position, with another outcome and certainty."""
    return FOUND.model_copy(update={"position": position, "outcome": outcome, "certainty": certainty})


def letter(value: bytes | None = SECRET, offset: int | str = 991, *headers: tuple[str, bytes], **why: str) -> Message:
    """A dead letter as the judge stores it."""
    place = {"topic": "access.ecms.v1", "partition": "2", "offset": str(offset)}
    words = place | {"stage": "translate", "class": "RejectedInputError", "message": "actor: is missing"} | why
    # As the judge writes them: behind those of the message itself.
    ours = tuple((f"needtoknow.errors.{name}", text.encode()) for name, text in words.items())
    key = f"access.ecms.v1/2/{offset}".encode()
    return Message("dead-letter.v1", 0, 7, 1_767_622_443_120, key, value, (*headers, *ours))


def letter_page(one: DeadLetter, *, reveal: bool) -> str:
    """All that people are shown of it."""
    return page(Shown(one, "open", Origin("source", "ecms"), "Mend it.", "streams/sources/ecms.md", ()), reveal=reveal)


def test_a_finding_is_one_line_that_says_when_how_grave_and_why() -> None:
    """The reason is the judge's whole sentence, so nothing in it is said twice."""
    assert finding_line(FOUND) == (
        "2026-01-05 14:14:03Z  MEDIUM    unexplained, provisional: "
        "No recorded duty of w017 towards case c0042.  f_00112233445566778899aabbccddeeff"
    )


def test_a_withdrawn_finding_is_said_to_be() -> None:
    """A reader of the line before must learn that it no longer stands."""
    assert "  WITHDRAWN explained: " in finding_line(finding(outcome="explained"), "withdrawn")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Müller ж", "Müller ж"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("left\u202eright", "left\\u202eright"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("no\u00a0break", "no\\xa0break"),
        ("back\\slash", "back\\\\slash"),
        ("lone\ud800surrogate", "lone\\ud800surrogate"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_control_characters_are_shown_not_obeyed(text: str, shown: str) -> None:
    """Whoever writes to a topic must not write to somebody's terminal."""
    assert safe(text) == shown


@given(st.binary(max_size=60))
def test_any_bytes_are_shown_on_one_visible_line(raw: bytes) -> None:
    """And different bytes are shown differently."""
    shown = safe_bytes(raw)
    assert shown.isprintable()
    assert not shown.encode("utf-8").isascii() or shown.isascii()


def test_bytes_that_are_no_text_are_shown_as_escapes() -> None:
    """Not replaced: somebody has to find out what they were."""
    assert safe_bytes(b"a\xff\x00\\") == "a\\xff\\x00\\\\"


def test_a_dead_letter_is_listed_without_its_content() -> None:
    """Where it is and what was wrong is enough to begin with."""
    shown = letter_line(read_letter(letter()))
    assert shown == "      7  2026-01-05 14:14:03Z  access.ecms.v1/2/991  translate  actor: is missing"


def test_the_content_of_a_dead_letter_is_hidden_until_asked_for() -> None:
    """It may be somebody's data; so may the headers."""
    one = read_letter(letter(SECRET, 991, ("note", SECRET)))
    hidden = letter_page(one, reveal=False)
    assert SECRET.decode() not in hidden
    assert "content   xxxx-xxx-9999" in hidden
    assert "13 bytes, hidden" in hidden
    assert letter_page(one, reveal=True).count(SECRET.decode()) == 2
    assert SECRET.decode() not in str(one.document())


def test_revealed_content_cannot_move_the_cursor() -> None:
    """A hostile message is exactly what ends here."""
    shown = letter_page(read_letter(letter(b"\x1b[2J\xff\n")), reveal=True)
    assert shown.splitlines()[-1] == "content   \\x1b[2J\\xff\\n"


@given(st.text())
def test_json_on_a_terminal_is_all_visible_and_says_the_same(text: str) -> None:
    """Whatever somebody has written into it."""
    line = json_line({"text": text})
    assert line.isprintable()
    assert orjson.loads(line) == {"text": text}


def test_the_place_of_the_fault_is_marked_in_what_is_masked() -> None:
    """And in what is revealed; what lies far from it is left out of a long one."""
    raw = b'{"event_id":"e1","actor":"jane-roe","record":1}'
    one = read_letter(letter(raw, message="actor: must be text"))
    assert 'content   {"event_id":"x9","actor": >>> "xxxx-xxx" <<< ,"record":9}' in letter_page(one, reveal=False)
    assert "place     byte 25 to 34 (line 1, column 26), between >>> and <<<" in letter_page(one, reveal=False)
    assert '"actor": >>> "jane-roe" <<< ,' in letter_page(one, reveal=True)
    long = read_letter(letter(b'{"recipient":"%b","actor":1}' % (b"y" * 50_000), message="actor: must be text"))
    shown = letter_page(long, reveal=False)
    assert '"actor": >>> 9 <<< }' in shown
    assert len(shown) < 5_000


def test_dead_letters_in_a_table_cannot_move_the_cursor(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor be taken for markup."""
    monkeypatch.setenv("COLUMNS", "160")
    naughty = "\x1b[2J\u202e[red]"
    odd = [read_letter(letter(SECRET, naughty, (naughty, SECRET), stage=naughty, message=naughty))]
    assert show_letters(odd)
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert shown.count("[red]") == 3


def test_a_tombstone_has_no_content() -> None:
    """Not the same as empty."""
    assert "content   none" in letter_page(read_letter(letter(None)), reveal=True)


def test_dead_letters_are_joined_by_their_place() -> None:
    """Two workers may write the same one."""
    letters = joined([read_letter(letter(offset=1)), read_letter(letter(offset=2)), read_letter(letter(offset=1))])
    assert [(one.offset, one.times) for one in letters] == [("1", 2), ("2", 1)]
    assert letter_line(letters[0]).endswith("(written 2 times)")


def test_programs_get_the_place_of_a_dead_letter_in_numbers() -> None:
    """As they got it from Kafka; what somebody else wrote instead of a number is none."""
    document = read_letter(letter(truncated="90000")).document()
    assert (document["partition"], document["offset"], document["truncated"]) == (2, 991, 90000)
    document = read_letter(letter(partition="two", offset="\u0663", truncated="-1")).document()
    assert (document["partition"], document["offset"], document["truncated"]) == (None, None, None)


def test_headers_that_the_message_brought_along_do_not_speak_for_us() -> None:
    """Also those of a name that we had no reason to write."""
    brought = (
        ("needtoknow.errors.topic", b"access.jnet.v1"),
        ("needtoknow.errors.truncated", b"SSN 123-45-6789"),
        ("needtoknow.errors.key", b"forged"),
    )
    one = read_letter(letter(SECRET, 991, *brought))
    assert (one.topic, one.truncated, one.key) == ("access.ecms.v1", None, None)
    assert one.headers == brought  # it is evidence all the same
    assert "SSN" not in letter_page(one, reveal=False) + str(one.document())


def test_the_key_of_the_message_is_kept_and_hidden_too() -> None:
    """It names a record, or a person; a value that was cut off is said to be."""
    one = read_letter(letter(b"x" * 10, key="jdoe", truncated="90000"))
    assert one.key == b"jdoe"
    assert "jdoe" not in letter_page(one, reveal=False) + str(one.document())
    assert "key       jdoe" in letter_page(one, reveal=True)
    assert "the message had 90000 bytes" in letter_page(one, reveal=False)


def test_a_dead_letter_without_our_headers_is_shown_under_its_key() -> None:
    """Better than not at all."""
    bare = Message("dead-letter.v1", 0, 7, 0, b"access.ecms.v1/2/5", b"", ())
    assert letter_line(read_letter(bare)) == "      7  1970-01-01 00:00:00Z  access.ecms.v1/2/5  unknown  unknown"
    assert read_letter(Message("dead-letter.v1", 0, 7, 0, None, b"", ())).name == "unknown/unknown/unknown"


def test_a_topic_says_what_became_of_it() -> None:
    """Created, as it should be, put right, or what still differs."""
    missing = Difference(topic="facts.v1", setting="topic", wanted="there", found="missing", remedy="create")
    changed = Difference(topic="facts.v1", setting="retention.ms", wanted="-1", found="5", remedy="alter")
    wrong = Difference(topic="facts.v1", setting="partitions", wanted="1", found="2", remedy="refuse")
    assert topic_line("facts.v1", (), ()).split() == ["facts.v1", "as", "it", "should", "be"]
    assert topic_line("facts.v1", (missing,), ()).endswith(" created")
    assert topic_line("facts.v1", (changed,), ()).endswith(" put right: retention.ms was 5")
    assert topic_line("facts.v1", (wrong,), (wrong,)).endswith(" differs: partitions is 2, must be 1")


def test_moments_are_shown_in_utc() -> None:
    """With the zone said, also before 1970."""
    assert moment(1_767_622_443_999) == "2026-01-05 14:14:03Z"
    assert moment(-1) == "1969-12-31 23:59:59Z"


def test_progress_tells_rate_and_time_left() -> None:
    """For a log, where no bar can be drawn."""
    assert line("sending", 12_000, 60_000, 3.0) == "sending: 12,000 of 60,000, 4,000/s, 12 s left"
    assert line("sending", 0, 60_000, 0.0) == "sending: 0 of 60,000, 0/s, 0 s left"


# --- the joined state ---------------------------------------------------------------------------------------------


def alone(step: Finding) -> State:
    """The state after one transition."""
    return State(step, step.certainty)


STEPS = st.lists(
    st.builds(
        finding,
        st.integers(1, 4),
        st.sampled_from(["unexplained", "explained", "late"]),
        st.sampled_from(["incomplete", "provisional", "final"]),
    ),
    min_size=1,
    max_size=4,
)


@given(STEPS)
def test_the_joined_state_does_not_depend_on_the_order(steps: list[Finding]) -> None:
    """Two readers who saw the same transitions see the same finding."""
    states = set()
    for order in itertools.permutations(steps):
        states.add(encode(reduce(join, map(alone, order)).finding))
    assert len(states) == 1


def test_the_highest_certainty_stays() -> None:
    """A later position may know less of the feeds; what was final stays final."""
    both = join(alone(finding(5, "unexplained", "final")), alone(finding(6, "late", "provisional"))).finding
    assert (both.position, both.outcome, both.certainty) == (6, "late", "final")


def test_what_the_state_has_done_is_seen_from_the_states() -> None:
    """The name in the message is only what its writer knew."""
    assert spoken(None, finding()) == "raised"
    assert spoken(None, finding(outcome="explained")) == "withdrawn"
    assert spoken(finding(), finding(320, "explained")) == "withdrawn"
    assert spoken(finding(outcome="explained"), finding(320)) == "reinstated"
    assert spoken(finding(), finding(320, "late")) == "revised"
    assert spoken(finding(), finding(320)) is None
    assert spoken(finding(), finding(318, certainty="final")) == "revised"


def test_an_old_transition_changes_nothing() -> None:
    """A zombie's message is not news."""
    state = Joined(limit=10)
    assert state.add(finding(320, "explained"))[1] == "withdrawn"
    after, news = state.add(finding(318))
    assert (after.outcome, news) == ("explained", None)


def test_the_newest_findings_are_those_that_changed_last() -> None:
    """And no more are remembered than the limit."""
    state = Joined(limit=2)
    names = [f"f_{number:032x}" for number in range(3)]
    for name in (*names, names[1]):
        state.add(finding().model_copy(update={"finding_id": name}))
    assert [one.finding_id for one in state.newest()] == [names[2], names[1]]
    assert [one.finding_id for one in state.newest(1)] == [names[1]]
    assert state.newest(0) == []
    assert len(state.newest(9)) == 2
