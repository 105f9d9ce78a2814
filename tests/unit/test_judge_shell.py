"""The judge's shell: it lets others have their turn, and holds no messages longer than it must."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.codec import decode, encode
from schemas.fact import RegisteredMark
from schemas.ledger import AtWork, Cut, Hold, Note
from schemas.settings import Settings
from schemas.topics import CONSOLE
from streams import turns
from streams.agents.careful import Careful
from streams.agents.judge import Judge
from streams.agents.last_cuts import LastCuts
from streams.agents.settling import SETTLE_MAX
from streams.care import ASIDE_MAX
from streams.frontier import Batch, Frontier
from streams.join.completeness import Completeness
from streams.join.open import OpenAccess, Partition
from streams.join.rows import row_of
from streams.join.touched import touched
from streams.policy.indexed import accesses_of, look_back
from streams.policy.judged import JudgedAgain, JudgedBatch
from streams.store import Outgoing, Stored
from streams.telemetry import Telemetry
from streams.touching import Touching
from tests.harness.builders import DUTY_FEEDS, account, assignment, at, make_access, registered, review
from tests.harness.judging import PARTITION, judging, messages
from tests.harness.verdicts import JDOE


class Broker:
    """Stores what it is given, after as many turns of the loop as a request takes, once it may."""

    def __init__(self) -> None:
        self.stored: list[Outgoing] = []
        self.may_store = asyncio.Event()
        self.may_store.set()

    async def put(self, outgoing: Sequence[Outgoing]) -> list[Stored]:
        """As the store."""
        await self.may_store.wait()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.stored += outgoing
        return [Stored(0, 0) for _ in outgoing]

    async def catch_up(self) -> None:
        """As the broadcast: at once."""


@pytest.fixture
def broker() -> Broker:
    """One that stores."""
    return Broker()


@pytest.fixture
def judge(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Of whom everybody does their job; it holds one partition."""

    async def no_cuts(_: LastCuts) -> dict[Any, Any]:
        return {}

    async def written(tps: Iterable[Any]) -> set[Any]:
        return set(tps)

    monkeypatch.setattr(LastCuts, "look", no_cuts)
    double: Any = broker
    judge = judging(JDOE, assignment("w028"))
    made = Judge(
        Settings(),
        run_id="run-1",
        judging=judge,
        broadcast=double,
        touching=Touching(judge.knowledge, depth=2, on_change=lambda queries: made.change(queries, [])),
        store=double,
        telemetry=Telemetry(),
        crash=lambda error: None,
        careful=Careful("run-1", write=written, read_again=lambda: None),
    )
    made.seek({PARTITION: 960}, {}, {})
    return made


def batches(number: int) -> list[Batch]:
    """So many of one access each."""
    frontier = Frontier(*PARTITION)
    return [frontier.begin(messages(make_access(event_id=f"e{n}"), first=960 + n)) for n in range(number)]


async def test_what_was_judged_is_stored_before_the_next_is(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that is never empty would otherwise keep every other task waiting, and findings with them."""
    monkeypatch.setattr(turns, "OWED_MAX", 0.0)  # as if each took long
    for batch in batches(20):
        await judge.take(batch)
        assert batch.is_finished


async def test_others_have_a_turn_after_each_of_many_small_batches(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no more: eight after each would leave new accesses behind whoever takes long turns."""
    monkeypatch.setattr(turns, "OWED_MAX", float("inf"))  # however slow the machine is
    begun = batches(20)
    for batch in begun:
        await judge.take(batch)
    assert [batch.is_finished for batch in begun] == sorted((b.is_finished for b in begun), reverse=True)
    assert turns.TURNS < sum(batch.is_finished for batch in begun) < len(begun)


async def test_messages_that_were_judged_are_let_go(judge: Judge, broker: Broker) -> None:
    """Not only when what follows from them is stored: a broker that is away must not make the worker grow."""
    broker.may_store.clear()
    [batch] = batches(1)
    message = weakref.ref(batch.messages[0])
    await judge.take(batch)
    gc.collect()
    assert not batch.is_finished
    assert message() is None
    broker.may_store.set()
    await judge.drain()
    assert batch.is_finished


async def test_judging_again_that_fails_sets_its_message_aside(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fact makes us fail about one open access: its message is set aside, and all is read again without it."""
    went_back: list[bool] = []
    judge._careful._read_again = lambda: went_back.append(True)
    judge.judging.completeness = Completeness(judge.judging.policy.gating_feeds())  # no feed has spoken: all wait
    frontier = Frontier(*PARTITION)
    said = messages(*(make_access(f"ghost{n}", event_id=f"e{n}") for n in range(3)))
    await judge.take(frontier.begin(said))
    entries = sorted(judge.open, key=lambda entry: entry.offset)
    assert [entry.offset for entry in entries] == [960, 961, 962]
    again = judge.judging.again

    def fails(some: Sequence[OpenAccess]) -> JudgedAgain:
        if entries[1] in some:
            raise KeyError("somebody's data")
        return again(some)

    monkeypatch.setattr(judge.judging, "again", fails)
    judge.settling.settle(PARTITION, entries)
    assert judge.judging.aside == {PARTITION: frozenset({961})}
    await asyncio.gather(*judge._careful._going_back)
    assert went_back == [True]
    assert judge._careful.hold(PARTITION, is_open=True).aside == [(961, 962)]


async def test_what_was_judged_before_and_fails_has_its_letter_at_once(judge: Judge, broker: Broker) -> None:
    """Nobody reads it again as new, so no batch would tell. It lies where it lay, with all its bytes."""
    [message] = messages(make_access(event_id="e1"), first=955)
    places: Any = Places({955: message})
    judge.corrections._places = places

    def fails() -> None:
        raise KeyError("somebody's data")

    judge._blame(PARTITION, KeyError(), [(955, fails)])
    assert judge.judging.aside == {PARTITION: frozenset({955})}
    await asyncio.gather(*judge._careful._going_back)
    [letter] = broker.stored
    headers = {name: value.decode() for name, value in letter.headers}
    assert (letter.key, letter.value) == (b"access.ecms.v1/2/955", message.value)
    assert headers["needtoknow.errors.stage"] == "quarantine"
    assert "data" not in headers["needtoknow.errors.message"]
    counted = judge._telemetry.page().decode()
    assert 'needtoknow_dead_letters_total{reason="kills",stage="quarantine"} 1.0' in counted


async def test_what_fails_as_new_has_its_letter_when_it_is_read_again(judge: Judge, broker: Broker) -> None:
    """With its cut; a second letter would be counted as another message."""

    def fails() -> None:
        raise KeyError("somebody's data")

    judge._blame(PARTITION, KeyError(), [(960, fails)])
    await asyncio.gather(*judge._careful._going_back)
    assert broker.stored == []
    assert judge._careful.aside() == {PARTITION: frozenset({960})}


class Places:
    """Messages of before, by their offsets."""

    def __init__(self, known: dict[int, Any]) -> None:
        self._known = known

    async def pick(self, partition: Any, offsets: Sequence[int]) -> dict[int, Any]:
        """As `AccessLog`."""
        return {offset: self._known[offset] for offset in offsets if offset in self._known}


async def test_what_was_judged_before_is_judged_again_when_another_of_it_fails(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the index by then, so nobody would look back at it a second time."""
    said = messages(*(make_access(f"ghost{n}", event_id=f"e{n}") for n in range(3)), first=950)
    entries = [entry for one in said for entry in accesses_of(judge.judging, PARTITION, "ecms", one)]
    again = judge.judging.again

    def fails(some: Sequence[OpenAccess]) -> JudgedAgain:
        if entries[1] in some:
            raise KeyError("somebody's data")
        return again(some)

    monkeypatch.setattr(judge.judging, "again", fails)
    places: Any = Places({one.offset: one for one in said})
    judge.corrections._places = places
    judge.settling.settle(PARTITION, entries)
    assert set(judge.corrections.doubtful()[PARTITION]) == {950, 951, 952}
    await asyncio.gather(*judge._careful._going_back)


async def test_a_failure_of_no_message_is_ours(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set aside for it, nor for want of memory: the worker ends, as it must."""
    [batch, other] = batches(2)
    genuine = judge.judging.batch

    def fails_together(*arguments: Any) -> JudgedBatch:
        if len(arguments[2]) > 1:
            raise KeyError
        return genuine(*arguments)

    monkeypatch.setattr(judge.judging, "batch", fails_together)
    batch.messages = [*batch.messages, *other.messages]
    with pytest.raises(KeyError):
        await judge.take(batch)

    def has_no_memory(*_: Any) -> JudgedBatch:
        raise MemoryError

    monkeypatch.setattr(judge.judging, "batch", has_no_memory)
    with pytest.raises(MemoryError):
        await judge.take(other)
    assert judge.judging.aside == {}


async def test_what_is_open_is_settled_where_nothing_new_has_come(judge: Judge, broker: Broker) -> None:
    """Looked back at after the partition changed hands: the duty is void, and then every feed has spoken."""
    judging, feeds = judge.judging, judge.judging.policy.gating_feeds()
    judging.completeness = Completeness(feeds)
    void = assignment("w028").model_copy(update={"revision": 2, "void": True})
    judging.knowledge.learn(judging.knowledge.position, registered(void))
    said = messages(make_access(when="14:00"), appended_at="14:01", first=950)
    await judge.corrections.settle(PARTITION, look_back(judging, PARTITION, "ecms", said, (950, 951)))
    assert [entry.offset for entry in judge.open] == [950]
    for number, feed in enumerate(feeds):
        mark = RegisteredMark(feed=feed, complete_through=at("2026-01-09"), sequence=number, position=0)
        judging.completeness.learn(mark, judging.knowledge.position)
    judging.completeness.advance(judging.knowledge.position, {})
    judge.change([], [])
    await judge.settling._settle_all()
    await judge.drain()
    assert [outgoing.topic for outgoing in broker.stored] == ["violations.v1"]
    assert list(judge.open) == []


async def test_what_waited_for_the_alert_console_is_settled_by_what_gates_it(judge: Judge, broker: Broker) -> None:
    """Beside the committed offset and in the cut that ends the wait: the marks of the feeds that such an access waits
    for, and of no others elsewhere."""
    console, completeness = Partition("access.console.v1", 1), judge.judging.completeness
    completeness.learn(RegisteredMark(feed="console", complete_through=at("13:00"), sequence=1, position=0), 9)
    notes = [judge.note(_tp(partition), 9, is_open=True) for partition in (console, Partition(PARTITION.topic, 7))]
    assert [decode(Note, note.encode()).low for note in notes] == [at("13:00"), completeness.low.marked]
    judge.seek({_tp(console): 3}, {}, {})
    judge.judging.knowledge.learn(2, registered(account("jdoe12", "w028", source=CONSOLE)))
    await judge.take(Frontier(*console).begin(messages(make_access(source=CONSOLE, name="case:c7"), first=3)))
    [entry] = judge.open
    judge.judging.knowledge.learn(3, registered(review("w028", "case:c7")))
    judge.settling.settle(console, [entry])
    await judge.drain()
    waited, settled = (decode(Cut, one.value) for one in broker.stored if one.topic == "ledger.v1")
    assert (waited.accesses, settled.settled) == ({"pending": 1}, [(3, 0)])
    assert set(waited.marks) == set(settled.marks) == {*DUTY_FEEDS, "console"}


def _tp(partition: Partition) -> Any:
    return TopicPartition(*partition)


async def test_what_a_mark_decides_does_not_wait_for_all_that_facts_touch(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm of facts touches a hundred open accesses; meanwhile the feeds have spoken for the one at two."""
    judging, feeds = judge.judging, judge.judging.policy.gating_feeds()
    judging.completeness = Completeness(feeds)
    said = [make_access("ghost", event_id=f"e{n}", when="14:00" if n == 120 else "16:00") for n in range(121)]
    await judge.take(Frontier(*PARTITION).begin(messages(*said, appended_at="16:01")))
    first = min(entry.offset for entry in judge.open)
    settled: list[list[int]] = []

    def settle(_: Partition, entries: Sequence[OpenAccess]) -> None:
        settled.append([entry.offset - first for entry in entries])
        for number, feed in enumerate(feeds):
            mark = RegisteredMark(feed=feed, complete_through=at("15:00"), sequence=number, position=0)
            judging.completeness.learn(mark, judging.knowledge.position)
        judging.completeness.advance(judging.knowledge.position, {})

    monkeypatch.setattr(judge.settling, "settle", settle)
    judge.change([], [(PARTITION, first + n) for n in range(120)])
    await judge.settling._settle_all()
    some = [(some[0], some[-1], len(some)) for some in settled]
    assert some[:2] == [(0, SETTLE_MAX - 1, SETTLE_MAX), (SETTLE_MAX, 120, SETTLE_MAX)]  # the 121st in the next step
    assert sorted(offset for some in settled for offset in some) == list(range(121))


@pytest.mark.parametrize("is_before", [True, False])
async def test_what_facts_touch_does_not_wait_for_all_that_marks_decide(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, *, is_before: bool
) -> None:
    """The feeds have spoken for a hundred, and each time that some of them are settled for a hundred more; the facts
    came before, or come when that has begun."""
    judging = judge.judging
    judging.completeness = Completeness(judging.policy.gating_feeds())
    said = [make_access("ghost", event_id=f"e{n}") for n in range(31)]
    await judge.take(Frontier(*PARTITION).begin(messages(*said)))
    decided, *others = judge.open
    left, passes = {entry.offset for entry in others}, 0

    def facts_come() -> None:
        judge.change([], [(PARTITION, entry.offset) for entry in others])

    def settle(_: Partition, entries: Sequence[OpenAccess]) -> None:
        nonlocal passes
        passes += 1
        assert passes < 100
        if passes == 1 and not is_before:
            facts_come()
        left.difference_update(entry.offset for entry in entries)

    monkeypatch.setattr(judge.settling, "settle", settle)
    monkeypatch.setattr(judge.settling, "_due", lambda: [decided] * 100 if left else [])
    if is_before:
        facts_come()
    await judge.settling._settle_all()
    assert not left
    assert passes >= 3


async def test_what_a_fact_touches_and_a_mark_decides_is_settled_once(judge: Judge, broker: Broker) -> None:
    """Both came in one read: whose login it is, and that the feeds have told all."""
    judging, feeds = judge.judging, judge.judging.policy.gating_feeds()
    judging.completeness = Completeness(feeds)
    await judge.take(Frontier(*PARTITION).begin(messages(make_access("ghost", when="14:00"), appended_at="14:01")))
    await judge.drain()
    broker.stored.clear()
    learned = judging.knowledge.learn(judging.knowledge.position, registered(account("ghost", "w028")))
    assert learned[1] is not None
    for number, feed in enumerate(feeds):
        mark = RegisteredMark(feed=feed, complete_through=at("2026-01-09"), sequence=number, position=0)
        judging.completeness.learn(mark, judging.knowledge.position)
    judging.completeness.advance(judging.knowledge.position, {})
    judge.change(list(touched(judging.knowledge, *learned[1], 2)), [])
    await judge.settling._settle_all()
    await judge.drain()
    [settlement] = broker.stored
    assert decode(Cut, settlement.value).settled == [(960, 0)]


async def test_nothing_is_reconciled_while_it_is_not_known_what_a_fact_touches(judge: Judge) -> None:
    """The facts are known by then, and new accesses judged by them; those judged before are not."""
    partition = SimpleNamespace(topic=PARTITION.topic, partition=PARTITION.partition)
    await judge.take(batches(1)[0])
    await judge.drain()
    judge.take_over.is_done = lambda partition: True  # type: ignore[method-assign]
    knowledge, touching = judge.judging.knowledge, judge.touching
    before = decode(Note, judge.note(partition, 961, is_open=True).encode()).reconciled
    assert before == knowledge.position
    touching.learned(knowledge.take(knowledge.position, row_of(registered(assignment("w031", fact_id="new"))))[1])
    assert decode(AtWork, judge.note(partition, 961, is_open=True).encode()).hold.is_open
    assert judge._reconciled_to(PARTITION) == before
    touching.find_next()
    assert not judge.corrections.is_done()  # it is theirs now


async def test_a_partition_with_too_much_set_aside_goes_no_further(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is forgotten to make room: its messages wait, nothing behind them is committed, and others go on."""
    other = Partition(PARTITION.topic, PARTITION.partition + 1)
    aside = [(n, n + 1) for n in range(0, 2 * ASIDE_MAX, 2)]
    notes = {PARTITION: encode(AtWork(hold=Hold(is_open=False, aside=aside))).decode()}
    judge.seek({PARTITION: 960, other: 960}, notes, {})
    genuine = judge.judging.batch

    def fails(partition: Partition, *arguments: Any) -> JudgedBatch:
        if partition == PARTITION:
            raise KeyError
        return genuine(partition, *arguments)

    monkeypatch.setattr(judge.judging, "batch", fails)
    [bad, after] = batches(2)
    went_back: list[bool] = []
    judge._careful._read_again = lambda: went_back.append(True)
    await judge.take(bad)
    await asyncio.gather(*judge._careful._going_back)
    assert (went_back, judge.refused()) == ([True], 1)
    assert f"{PARTITION.topic}/{PARTITION.partition}/960 is to be set aside, too" in caplog.text
    judge.seek({PARTITION: 960, other: 960}, notes, {})
    await judge.take(after)
    good = Frontier(*other).begin(messages(make_access(), first=960))
    await judge.take(good)
    await judge.drain()
    assert (bad.is_finished, after.is_finished, good.is_finished) == (False, False, True)
    assert judge.judging.aside[PARTITION] == frozenset(range(0, 2 * ASIDE_MAX, 2))
    judge.seek({other: 960}, {}, {})
    assert judge.refused() == 0
