"""What a worker says that does not end, and that it ends then; and that one that does end hears nothing of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Final

import pytest

from streams import stopping
from streams.stopping import LEFT_OVER, StopLimit, ended_within, unfinished

SOON, LONG = 0.05, 5.0


async def outer(event: asyncio.Event) -> None:
    """Waits by way of another."""
    await inner(event)


async def inner(event: asyncio.Event) -> None:
    """Waits."""
    await event.wait()


async def test_each_task_says_where_it_waits_and_nothing_that_it_knows() -> None:
    """The whole way in, which a task's own stack does not show; what is done is not waited for."""
    event = asyncio.Event()
    tasks = [asyncio.create_task(outer(event)), asyncio.create_task(asyncio.sleep(0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    [line] = unfinished(tasks)
    names = [step.partition(":")[0] for step in line.split(" > ")]
    assert names == ["outer", "inner", "Event.wait", "FutureIter"]
    event.set()
    await tasks[0]
    assert unfinished(tasks) == []


class End:
    """Takes the place of the end of this process."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self._has_come = threading.Event()

    def __call__(self, code: int) -> None:
        """The process would end here."""
        self.codes.append(code)
        self._has_come.set()

    def wait(self) -> list[int]:
        """The codes with which it would have ended, once it would have."""
        self._has_come.wait(LONG)
        return self.codes


async def test_whoever_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the loop itself stands still, as this test makes it. Being told twice gives no more time."""
    monkeypatch.setattr(stopping, "STOP_MAX", SOON)
    end = End()
    limit = StopLimit(end)
    limit.begin(asyncio.get_running_loop())
    monkeypatch.setattr(stopping, "STOP_MAX", 2 * LONG)
    limit.begin(asyncio.get_running_loop())
    assert end.wait() == [LEFT_OVER]
    assert f"{test_whoever_does_not_end_is_ended.__name__}:" in caplog.text


async def test_a_log_that_stands_still_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads it may be what is stuck."""
    monkeypatch.setattr(stopping, "STOP_MAX", SOON)
    monkeypatch.setattr(stopping, "TELL_MAX", SOON)
    may_write, end = threading.Event(), End()
    monkeypatch.setattr(stopping.log, "critical", lambda *_: may_write.wait(2 * LONG))
    StopLimit(end).begin(asyncio.get_running_loop())
    assert end.wait() == [LEFT_OVER]
    may_write.set()


LEAVES_A_THREAD: Final = """
import asyncio, threading
from streams import stopping
stopping.STOP_MAX = 0.5
threading.Thread(target=threading.Event().wait).start()
stopping.StopLimit().begin(asyncio.new_event_loop())
"""


def test_a_thread_that_is_left_over_ends_with_the_process() -> None:
    """Python waits for such a thread when all else has ended: mode's go on answering the group's questions."""
    done = subprocess.run([sys.executable, "-c", LEAVES_A_THREAD], timeout=10 * LONG, check=False, capture_output=True)
    assert done.returncode == LEFT_OVER, done.stderr


async def test_whoever_ends_in_time_says_so() -> None:
    """Nothing kept it; or what it raised, also where it cancelled itself; or that it took too long."""

    async def fails() -> None:
        raise KeyError

    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    found = [await ended_within(LONG, work) for work in (asyncio.sleep(0), fails(), cancels_itself())]
    assert [type(error) for error in found] == [type(None), KeyError, asyncio.CancelledError]
    assert isinstance(await ended_within(SOON, asyncio.Event().wait()), TimeoutError)
