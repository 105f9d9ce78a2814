"""What a worker says that does not end, and that it ends then; and that one that does end hears nothing of it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from streams import stopping
from streams.stopping import LEFT_OVER, StopLimit, unfinished

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


async def test_whoever_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the loop itself stands still: this test holds it up until then."""
    monkeypatch.setattr(stopping, "STOP_MAX", SOON)
    ended, codes = threading.Event(), list[int]()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    StopLimit(asyncio.get_running_loop(), end).begin()
    assert ended.wait(LONG)
    assert codes == [LEFT_OVER]
    assert f"{test_whoever_does_not_end_is_ended.__name__}:" in caplog.text


async def test_whoever_ends_in_time_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """And being told twice to stop gives nobody more time."""
    codes = list[int]()
    limit = StopLimit(asyncio.get_running_loop(), codes.append)
    limit.begin()
    first = limit._timer
    limit.begin()
    assert limit._timer is first
    limit.done()
    assert first is not None
    first.join(LONG)
    assert not first.is_alive()
    assert codes == []
