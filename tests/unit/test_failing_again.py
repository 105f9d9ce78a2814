"""What makes us fail about a message that was judged before is found, set aside and told, and ends nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import pytest

from schemas.settings import Settings
from streams.access_log import Some
from streams.agents.careful import Careful, Tries
from streams.agents.corrections import Corrections
from streams.agents.take_over import TakeOver
from streams.join.bodies import login_key
from streams.join.open import Partition
from streams.join.question import Question
from streams.join.touched import Query
from streams.policy.indexed import look_back
from streams.policy.judging import Judging
from streams.telemetry import Telemetry
from tests.harness.builders import make_access
from tests.harness.judging import Message, judging, messages

HERE = Partition("access.ecms.v1", 2)
SECRET = "a secret: w028"
ALL = range(8)
EVERYBODY = [Query(None, frozenset(login_key("ecms", f"ghost{n}") for n in ALL))]


class Log:
    """One partition, read by range or by place."""

    def __init__(self) -> None:
        self.messages = messages(*(make_access(f"ghost{n}", event_id=f"e{n}") for n in ALL), first=0)

    async def pick(self, partition: Partition, offsets: Sequence[int]) -> dict[int, Message]:
        """As `AccessLog`."""
        return {offset: self.messages[offset] for offset in offsets}

    async def read(self, partition: Partition, first: int, end: int) -> AsyncIterator[Some]:
        """As `AccessLog`; behind the last message lies a marker."""
        found: list[Any] = [m for m in self.messages if first <= m.offset < end]
        yield Some(first, end, found)


class Scene:
    """Corrections and a take-over of one partition of which nothing is explained, and what came of them."""

    def __init__(self) -> None:
        self.judging: Judging = judging()
        self.told: list[int] = []
        self.letters: list[int] = []
        self.notes = 0
        self.careful = Careful("run-1", write=self._write, read_again=lambda: None)
        self.careful.begin({}, {HERE: len(ALL) + 1}, {})
        self.corrections = Corrections(
            Settings(),
            judging=self.judging,
            telemetry=Telemetry(),
            is_open=lambda partition, place: False,
            settle=lambda partition, entries: self.told.extend(entry.offset for entry in entries),
            ready=self._ready,
            blame=self._blame,
            reach_back=lambda *change: self.take_over.reach_back(*change),  # noqa: PLW0108 - made below
        )
        self.take_over = TakeOver(
            Settings(),
            judging=self.judging,
            corrections=self.corrections,
            reconciled=self._reconciled,
            blame=self._blame,
        )
        log: Any = Log()
        self.corrections._places = self.take_over._log = log
        self.messages: list[Message] = log.messages
        self.corrections.begin({HERE: len(ALL) + 1})

    async def _write(self, tps: Iterable[Any]) -> set[Any]:
        self.notes += 1
        return set(tps)

    async def _ready(self) -> None:
        pass

    async def _reconciled(self, partition: Partition) -> int:
        return 0

    async def _tell(self, offset: int) -> None:
        written = self.careful.hold(HERE, is_open=True).aside
        assert (offset, offset + 1) not in written, "if we died now, our successor would not tell of it"
        self.letters.append(offset)

    def _blame(self, partition: Partition, error: Exception, tries: Tries) -> None:
        self.careful.blame(partition, error, tries, self._tell)
        self.judging.aside = self.careful.aside()

    async def look_back(self) -> None:
        """At the whole partition."""
        await self.take_over._read(HERE, (0, len(ALL) + 1), self.corrections.hold, is_indexed=True)

    async def went_back(self) -> None:
        """Once all that was set aside has been told."""
        await asyncio.gather(*self.careful._going_back)


@pytest.fixture
async def scene() -> Scene:
    """With eight messages, all judged before."""
    return Scene()


def fail(scene: Scene, monkeypatch: pytest.MonkeyPatch, method: str, text: str) -> None:
    """This method of the judge raises when its arguments hold this text."""
    genuine = getattr(scene.judging, method)

    def failing(*arguments: Any) -> Any:
        if text in repr(arguments):
            raise KeyError(SECRET)
        return genuine(*arguments)

    monkeypatch.setattr(scene.judging, method, failing)


@pytest.mark.parametrize("method", ["plainly", "read", "is_explained"])
async def test_looking_back_goes_on_without_a_message_that_makes_it_fail(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    """Whatever fails about it: all others are told and indexed, no gap is left, and it has a letter before its note."""
    fail(scene, monkeypatch, method, "ghost5")
    await scene.look_back()
    await scene.went_back()
    others = [n for n in ALL if n != 5]
    assert scene.told == others
    assert scene.judging.aside == {HERE: frozenset({5})}
    assert (scene.letters, scene.notes) == ([5], 1)
    assert scene.careful.hold(HERE, is_open=True).aside == [(5, 6)]
    assert scene.judging.index.lacking(HERE, 0, len(ALL) + 1) == []
    assert indexed(scene) == others
    assert SECRET not in caplog.text


def indexed(scene: Scene) -> list[int]:
    """The offsets of what is in the index."""
    wanted = scene.judging.index.wanted(EVERYBODY)
    return sorted(place.offset for place, _ in scene.judging.index.matching(HERE, wanted))


async def test_a_correction_goes_on_without_a_question_that_makes_it_fail(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them: each is found among all that the fact touches."""
    look_back(scene.judging, HERE, "ecms", scene.messages, (0, len(ALL) + 1))
    genuine = scene.judging.is_explained

    def failing(question: Question) -> bool:
        if question.login.endswith(("ghost2", "ghost6")):
            raise KeyError(SECRET)
        return genuine(question)

    monkeypatch.setattr(scene.judging, "is_explained", failing)
    await scene.corrections.correct(HERE, scene.judging.index.wanted(EVERYBODY))
    await scene.went_back()
    assert sorted(scene.told) == [0, 1, 3, 4, 5, 7]
    assert scene.judging.aside == {HERE: frozenset({2, 6})}
    assert sorted(scene.letters) == [2, 6]


async def test_who_is_told_to_end_in_the_moment_of_calm_ends() -> None:
    """Not after one more round of judging again."""
    careful = Careful("run-1", write=nothing_written, read_again=lambda: None)
    careful._calm.clear()
    waiting = asyncio.create_task(careful.calm())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    careful._calm.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def nothing_written(tps: Iterable[Any]) -> set[Any]:
    """Nobody asks."""
    return set()


async def test_a_message_that_cannot_be_read_again_is_set_aside(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its question is in the index and gives no offence."""
    look_back(scene.judging, HERE, "ecms", scene.messages, (0, len(ALL) + 1))
    fail(scene, monkeypatch, "read", "ghost4")
    await scene.corrections.correct(HERE, scene.judging.index.wanted(EVERYBODY))
    await scene.went_back()
    assert sorted(scene.told) == [n for n in ALL if n != 4]
    assert scene.letters == [4]


async def test_what_fails_only_together_is_looked_at_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody is to blame, and nobody ends."""
    genuine = scene.judging.plainly

    def failing(source: str, some: Sequence[Any]) -> Any:
        if len(some) > 1:
            raise KeyError(SECRET)
        return genuine(source, some)

    monkeypatch.setattr(scene.judging, "plainly", failing)
    await scene.look_back()
    assert scene.told == list(ALL)
    assert scene.judging.aside == {}
    assert scene.judging.index.lacking(HERE, 0, len(ALL) + 1) == []


async def test_want_of_memory_is_no_messages_fault(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker ends of it, as it must."""

    def failing(source: str, some: Sequence[Any]) -> Any:
        raise MemoryError

    monkeypatch.setattr(scene.judging, "plainly", failing)
    with pytest.raises(MemoryError):
        await scene.look_back()
    assert (scene.told, scene.letters, scene.judging.aside) == ([], [], {})


async def test_a_partition_lost_while_its_messages_are_read_is_not_corrected(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else holds it by the time they come: what they are is judged there, and here once it is back."""
    reading, may_read = asyncio.Event(), asyncio.Event()
    log: Any = scene.corrections._places
    genuine = log.pick

    async def slowly(partition: Partition, offsets: Sequence[int]) -> dict[int, Message]:
        reading.set()
        await may_read.wait()
        found: dict[int, Message] = await genuine(partition, offsets)
        return found

    monkeypatch.setattr(log, "pick", slowly)
    look_back(scene.judging, HERE, "ecms", scene.messages, (0, len(ALL) + 1))
    scene.corrections.doubt(HERE, [3])
    answering = asyncio.create_task(scene.corrections._answer(HERE))
    await reading.wait()
    scene.corrections.lose(HERE, ())
    scene.corrections.begin({HERE: len(ALL) + 1})
    may_read.set()
    await answering
    assert scene.told == []
    assert dict(scene.corrections.doubtful()) == {HERE: {3}}
