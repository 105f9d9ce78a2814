"""An emitter as its host holds it, with no broker there."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading
import weakref
from itertools import count
from pathlib import Path
from typing import Any

import aiokafka
import pytest

from schemas.emit import AsyncEmitter, Emitter, Limits, MisusedError, RejectedInputError, SpoolInUseError, asynchronous
from schemas.emit.core import Core
from schemas.emit.exits import never_close
from schemas.emit.settings import Settings
from schemas.emit.spool import Spool
from tests.faults.harness import until
from tests.harness.emitting import fields
from tests.unit.test_emit_spool import read_all

NOBODY = "127.0.0.1:1"


def emitter(spool: Path, **rest: Any) -> Emitter:
    """Of the ECMS."""
    return Emitter("ecms", NOBODY, spool, **rest)


def test_a_host_may_be_told_of_what_is_no_access(tmp_path: Path) -> None:
    """Raised at its place, or handed over where nothing may be raised; counted either way."""
    told: list[RejectedInputError] = []
    with emitter(tmp_path / "a") as raising, pytest.raises(RejectedInputError, match="actor"):
        raising.emit(**{**fields(1), "actor": "J. Doe"})
    with emitter(tmp_path / "b", on_invalid=told.append) as telling:
        assert not telling.emit(**{**fields(1), "actor": "J. Doe"})
        assert telling.stats().invalid == 1
        telling.close(0)
    assert [error.place for error in told] == ["actor"]


def test_what_is_closed_takes_nothing(tmp_path: Path) -> None:
    """And says so; closing it again does no harm."""
    one = emitter(tmp_path)
    assert one.emit(**fields(1))
    assert not one.close(0)
    assert not one.close(0)
    with pytest.raises(MisusedError, match="closed"):
        one.emit(**fields(2))
    with pytest.raises(MisusedError, match="closed"):
        one.flush()
    again = emitter(tmp_path)
    stats = again.stats()
    again.close(0)
    assert (stats.waiting, stats.emitted, stats.was_killed) == (1, 0, False)
    assert stats.oldest_waiting_seconds > 0


def test_a_spool_that_is_held_is_refused_at_once(tmp_path: Path) -> None:
    """Before anything is emitted that would have to be kept."""
    one = emitter(tmp_path)
    with pytest.raises(SpoolInUseError):
        emitter(tmp_path)
    one.close(0)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"source": "ECMS"}, "source"),
        ({"bootstrap": ""}, "bootstrap"),
        ({"number_from": -1}, "number_from"),
        ({"heartbeat_seconds": 0}, "heartbeat_seconds"),
        ({"connection": {"sasl_plain_pasword": "secret-7"}}, "sasl_plain_pasword"),
    ],
)
def test_wrong_settings_are_named_at_once(tmp_path: Path, wrong: dict[str, Any], named: str) -> None:
    """By name, and never by what they hold; nothing is made on the disk."""
    settings = {"source": "ecms", "bootstrap": NOBODY, "spool": tmp_path / "spool", **wrong}
    with pytest.raises(MisusedError, match=named) as refused:
        Emitter(**settings)
    assert "secret-7" not in str(refused.value)
    assert not (tmp_path / "spool").exists()


async def test_the_other_face_begins_where_it_is_entered(tmp_path: Path) -> None:
    """Not where it is made: that would hold up the loop."""
    one = AsyncEmitter("ecms", NOBODY, tmp_path)
    with pytest.raises(MisusedError, match="async with"):
        one.emit(**fields(1))
    async with one:
        assert one.emit(**fields(1))
        assert await one.flush()
        assert not await one.drain(0.01)
        await one.close(0)


@pytest.mark.parametrize("is_made_first", [False, True])
async def test_one_that_is_cancelled_while_it_begins_keeps_no_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_made_first: bool
) -> None:
    """A start that takes too long, or a request that goes away: the next one begins, in the same process."""
    is_cancelled, is_made = threading.Event(), threading.Event()

    def slowly(settings: Settings) -> Core:
        if not is_made_first:
            is_cancelled.wait(30)
        core = Core(settings)
        is_made.set()
        return core

    monkeypatch.setattr(asynchronous, "Core", slowly)
    beginning = asyncio.create_task(AsyncEmitter("ecms", NOBODY, tmp_path).__aenter__())
    await asyncio.sleep(0)  # it begins
    if is_made_first:
        assert is_made.wait(30)
    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    is_cancelled.set()
    assert await asyncio.to_thread(is_made.wait, 30)
    monkeypatch.undo()
    await asyncio.to_thread(until, lambda: _is_free(tmp_path), "its spool is held")


def _is_free(spool: Path) -> bool:
    try:
        emitter(spool).close(0)
    except SpoolInUseError:
        return False
    return True


def test_a_signals_handler_may_emit_in_the_midst_of_an_emit(tmp_path: Path) -> None:
    """In the thread that it interrupts, which would wait for itself. All that was taken is on the disk, once."""
    with emitter(tmp_path, number_from=1) as one:
        taken: list[str] = []

        def emit(event_id: str) -> None:
            if one.emit(**{**fields(0), "event_id": event_id}):
                taken.append(event_id)

        handled = count()
        before = signal.signal(signal.SIGVTALRM, lambda *_: emit(f"handler-{next(handled)}"))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
        try:
            for number in range(10_000):
                emit(f"ecms-{number}")
                if number % 1_000 == 0:
                    one.flush(30)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
        assert one.flush(30)
        stats = one.stats()
        one.close(0)
    spool = Spool(tmp_path, "ecms")
    found = read_all(spool)
    spool.close()
    assert next(handled) > 10
    assert sorted(entry.event_id for entry in found) == sorted(taken)
    assert [entry.sequence for entry in found] == list(range(1, len(found) + 1))
    assert len(found) == stats.waiting == stats.emitted == stats.sequence


def test_a_full_spool_says_so_in_one_line(tmp_path: Path) -> None:
    """What somebody prints to see how it is."""
    with emitter(tmp_path, limits=Limits(spool_messages=2)) as one:
        assert [one.emit(**fields(number)) for number in range(3)] == [True, True, False]
        assert str(one.stats()).startswith("2 emitted, 0 stored, 2 waiting (oldest ")
        assert ", 1 refused, 0 invalid; " in str(one.stats())
        one.close(0)


def test_aiokafka_says_nothing_in_our_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither each attempt of an outage nor, at DEBUG, each access; what the host does with it is heard."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "aiokafka")  # a command that ran before may have silenced it
    log = logging.getLogger("aiokafka.producer.producer")
    with emitter(tmp_path) as one:
        one.emit(**fields(1))
        log.error("said by the host")
        until(lambda: one.stats().trouble, "it does not say that no broker is there")
        assert one.stats().trouble == "the broker does not take what waits: ConnectionRefusedError"
        one.close(0)
    assert aiokafka.__name__ == log.name.split(".")[0]
    loud = [record.getMessage() for record in caplog.records if record.name.startswith("aiokafka")]
    assert loud == ["said by the host"]
    assert "login1" not in caplog.text


def test_a_child_never_closes_what_is_its_parents() -> None:
    """Not even when nobody holds it: SQLite would tidy up what the parent still writes."""

    class Handle:
        pass

    handle, other = Handle(), Handle()
    kept, gone = weakref.ref(handle), weakref.ref(other)
    never_close(handle)
    del handle, other
    gc.collect()
    assert (kept() is None, gone() is None) == (False, True)
