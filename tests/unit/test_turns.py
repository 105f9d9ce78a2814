"""Long work gives way for as long as new accesses need to be judged and stored."""

from __future__ import annotations

import asyncio

from streams.turns import TURNS, others_first, slices


async def test_work_of_several_steps_is_done_before_it_goes_on() -> None:
    """One turn would let others take but one step of each."""
    done: list[str] = []

    async def stored() -> None:
        for step in range(TURNS):
            done.append(f"step {step}")
            await asyncio.sleep(0)

    other = asyncio.create_task(stored())
    await others_first()
    done.append("long work")
    await other
    assert done == [*(f"step {step}" for step in range(TURNS)), "long work"]


def test_slices_are_all_there_is_in_order() -> None:
    """The last one may be short; of nothing there is none."""
    assert list(slices([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(slices([], 2)) == []
