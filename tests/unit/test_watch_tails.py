"""What the newest messages say: when a source was heard, and what its clock shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import Mock

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from schemas.codec import encode
from schemas.heartbeat import Heartbeat
from schemas.topics import FACTS_LINE, HEARTBEAT, SOURCES
from sinks.letter_replay import REPLAYED
from sinks.watch import tails as tails_module
from sinks.watch.clocks import Sample
from sinks.watch.state import SourceState, State
from sinks.watch.tails import FIRST_TAIL, TAIL, Tails, brought_at, samples
from streams.sources import translate
from streams.sources.imprecise import widened
from streams.sources.translated import Translated
from tests.harness.builders import at, make_access
from tests.harness.facts_file import audit_access, facts_file
from tests.harness.judging import Message

TOPIC = "access.ecms.v1"
NOON = at("12:00")
BEAT = (("content-type", HEARTBEAT.encode()),)
FACTS = (("content-type", FACTS_LINE.encode()),)


class Log:
    """A topic of two partitions as a consumer sees it, in memory. One that fails to read is told by its offset."""

    def __init__(self) -> None:
        self.messages: dict[int, list[Message]] = {0: [], 1: []}
        self.markers = {0: 0, 1: 0}  # offsets behind the last message that hold none
        self.places: dict[TopicPartition, int] = {}
        self.read: list[int] = []

    def append(self, partition: int, value: bytes, stored: int, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """One message, stored then."""
        log = self.messages[partition]
        log.append(Message(len(log), value, stored, headers=tuple(headers)))

    async def beginning_offsets(self, held: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Nothing was deleted."""
        return dict.fromkeys(held, 0)

    async def end_offsets(self, held: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Markers included."""
        return {p: len(self.messages[p.partition]) + self.markers[p.partition] for p in held}

    def assign(self, held: Sequence[TopicPartition]) -> None:
        """From now on these."""
        self.places = dict.fromkeys(held, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Read from there."""
        self.places[place] = offset

    def pause(self, place: TopicPartition) -> None:
        """No more of it."""
        del self.places[place]

    async def position(self, place: TopicPartition) -> int:
        """Where it is."""
        return self.places[place]

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Message]]:
        """So many of each; behind the last of them lie the markers."""
        found = {p: self.messages[p.partition][offset:][:max_records] for p, offset in self.places.items()}
        for p, some in found.items():
            self.places[p] += len(some)
            if self.places[p] == len(self.messages[p.partition]):
                self.places[p] += self.markers[p.partition]
        self.read += [m.offset for some in found.values() for m in some]
        return {p: some for p, some in found.items() if some}


async def looked(log: Log, times: int = 1) -> SourceState:
    """What is known after so many looks."""
    state = State({TOPIC: SOURCES["ecms"]})
    tails = Tails(state, translate)
    for _ in range(times):
        await tails.look(log, [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)])  # type: ignore[arg-type] # as much as is used
    return state.by_topic[TOPIC]


async def test_the_newest_of_all_partitions_is_when_a_source_was_heard() -> None:
    """A heartbeat counts, and so does what cannot be read; only what can be, and is no heartbeat, brings something."""
    log = Log()
    log.append(0, encode(make_access(when=NOON - 7_000)), NOON)
    log.append(1, b"garbage", NOON + 1_000)
    log.append(0, encode(Heartbeat(source="ecms", at=NOON, sequence=4)), NOON + 2_000, BEAT)
    assert (await looked(log)).heard == (NOON + 2_000, NOON - 7_000, True)


async def test_a_letter_that_was_sent_once_more_says_nothing_of_its_source() -> None:
    """Three days later it is neither a clock that is behind, nor the file of this night, nor the end of a silence."""
    log, again = Log(), [(REPLAYED, b"access.ecms.v1/0/7")]
    log.append(0, encode(make_access(when=NOON)), NOON)
    for n in range(TAIL - 1):
        log.append(0, encode(make_access(when=NOON)), NOON + 3_600_000 + n, again)
    log.append(1, encode(Heartbeat(source="ecms", at=NOON)), NOON + 7_200_000, [*BEAT, *again])
    state = await looked(log)
    assert state.heard == (NOON, NOON, False)
    assert state.clock.off_ms(NOON) == 0
    state.look({}, 0)
    assert state.judged == {}  # and still all of it is to be judged before anything is missing
    assert state.through == 0


async def test_messages_that_are_late_accuse_a_clock_when_the_source_sent_them() -> None:
    """The same messages without the word that we sent them."""
    log = Log()
    for n in range(TAIL):
        log.append(0, encode(make_access(when=NOON)), NOON + 3_600_000 + n)
    assert (await looked(log)).clock.off_ms(NOON) == -3_600_000


async def test_only_what_is_new_is_read_and_never_more_than_the_end() -> None:
    """A source that sends thousands a second must not keep the one who watches from the others."""
    log = Log()
    for n in range(FIRST_TAIL + 100):
        log.append(0, encode(make_access()), NOON + n)
    state = State({TOPIC: SOURCES["ecms"]})
    tails, held = Tails(state, translate), [TopicPartition(TOPIC, 0)]
    for _ in range(3):
        await tails.look(log, held)  # type: ignore[arg-type] # as much as is used
    assert log.read == list(range(100, FIRST_TAIL + 100))
    for n in range(100):
        log.append(0, encode(make_access()), NOON + 1_000 + n)
    await tails.look(log, held)  # type: ignore[arg-type] # as much as is used
    assert log.read[FIRST_TAIL:] == list(range(FIRST_TAIL + 200 - TAIL, FIRST_TAIL + 200))


async def test_the_first_look_sees_a_promise_behind_what_came_after_it() -> None:
    """A source that is dead when we start has promised to be heard, though its last heartbeat is not its last word."""
    log = Log()
    log.append(0, encode(Heartbeat(source="ecms", at=NOON)), NOON, BEAT)
    for n in range(FIRST_TAIL - 1):
        log.append(0, encode(make_access()), NOON + n, [(REPLAYED, b"x")] if n % 2 else ())
    state = await looked(log)
    assert state.heard.has_beaten
    assert state.report(NOON + 3_600_000, 30_000).silent_ms > 3_400_000


async def test_a_look_that_takes_too_long_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the first look would else begin for ever."""
    times = iter([0.0, 0.0, 1.0, *[2.0] * 100])  # one piece, then none, and then all that is left
    monkeypatch.setattr(tails_module, "time", Mock(monotonic=lambda: next(times), time=lambda: 0))
    monkeypatch.setattr(tails_module, "LOOK_SECONDS", 0.5)
    log = Log()
    for n in range(FIRST_TAIL):
        log.append(0, encode(make_access()), NOON + n)
    tails = Tails(State({TOPIC: SOURCES["ecms"]}), translate)
    for _ in range(2):
        await tails.look(log, [TopicPartition(TOPIC, 0)])  # type: ignore[arg-type] # as much as is used
    assert log.read == list(range(FIRST_TAIL))


async def test_a_topic_that_may_not_be_read_keeps_nobody_from_the_others() -> None:
    """It is left out, nothing of it counts as compared, and all the others are heard."""
    log, irss = Log(), "access.irss.v1"
    log.append(0, encode(make_access()), NOON)
    getmany = log.getmany

    async def refusing(**asked: int) -> dict[TopicPartition, list[Message]]:
        if any(place.topic == irss for place in log.places):
            raise TopicAuthorizationFailedError(irss)
        return await getmany(**asked)

    log.getmany = refusing  # type: ignore[assignment,method-assign]
    state = State({TOPIC: SOURCES["ecms"], irss: SOURCES["irss"]})
    tails = Tails(state, translate)
    for _ in range(2):
        await tails.look(log, [TopicPartition(irss, 0), TopicPartition(TOPIC, 0)])  # type: ignore[arg-type] # as much as is used
    assert state.by_topic[TOPIC].heard.at == NOON
    assert tails.refused == {irss}
    assert state.by_topic[irss].through == 0


async def test_what_is_judged_is_compared_with_the_last_message_not_with_what_lies_behind_it() -> None:
    """Transactions leave markers, which no cut speaks of."""
    log = Log()
    log.append(0, encode(make_access()), NOON)
    log.markers[0] = 1
    state = await looked(log)
    assert state.through == 0  # nothing is judged yet
    state.judged[0] = 1
    state.look({}, 0)
    assert state.through > NOON


async def test_a_translator_that_fails_ends_nothing() -> None:
    """The judge sets such a message aside, and says so; the source was heard."""
    log = Log()
    log.append(0, encode(make_access()), NOON)

    def fail(*_: object) -> Translated:
        raise RecursionError

    state = State({TOPIC: SOURCES["ecms"]})
    await Tails(state, fail).look(log, [TopicPartition(TOPIC, 0)])  # type: ignore[arg-type] # as much as is used
    assert state.by_topic[TOPIC].heard.at == NOON


def test_a_file_brings_what_it_is_of_not_when_it_comes() -> None:
    """Yesterday's, thirteen hours late, would do for today's; a control message brings none, a wrong date no future."""
    night = facts_file("20260105", 7, [audit_access(9, make_access("JDOE", when=NOON))]).content.split(b"\n")
    header, line = (translate("facts", one.rstrip(b"\r"), FACTS, NOON) for one in night[:2])
    for found, stored, expected in (
        (header, NOON, None),
        (line, NOON + 90_000_000, NOON + 999),
        (line, NOON - 60_000, NOON - 60_000),
    ):
        assert brought_at(found, SOURCES["facts"], stored) == expected
    slip = Translated(accesses=(make_access(when=NOON - 90_000_000),), is_control=False)
    assert brought_at(slip, SOURCES["paper"], NOON) == NOON  # days only: typed in the next morning


def test_the_error_that_is_declared_counts_once() -> None:
    """Accesses are widened by it, and it is allowed: a clock is off when it is further off than that."""
    source = replace(SOURCES["ecms"], clock_error_ms=30_000)
    access = widened(make_access(when=NOON), 30_000)
    found = Translated(accesses=(access,), is_control=False)
    assert samples(found, source, NOON + 5, NOON + 9) == [Sample(NOON + 9, NOON, NOON, NOON + 5, is_prompt=True)]


def test_a_heartbeat_says_what_the_clock_shows_also_of_a_source_that_sends_files() -> None:
    """It is sent when it is written."""
    beat = translate("facts", encode(Heartbeat(source="facts", at=NOON)), BEAT, NOON + 5)
    assert samples(beat, SOURCES["facts"], NOON + 5, NOON + 9) == [Sample(NOON + 9, NOON, NOON, NOON + 5, True, True)]
    line = Translated(accesses=(make_access(when=NOON),), is_control=False)
    assert samples(line, SOURCES["facts"], NOON + 5, NOON + 9)[0].is_prompt is False
    assert samples(Translated(accesses=(), is_control=True), SOURCES["facts"], NOON + 5, NOON + 9) == []
