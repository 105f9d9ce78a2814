"""The batch transport: delivery, pausing, what is committed, and that nothing is lost across a rebalance or a seek."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams import committing
from tests.harness.fake_kafka import ECMS, IRSS, STAFF, Scene, hold, make_scene, rebalance

BACK = 3  # turns after a seek: what was being fetched is dropped, the position is put back, the first batch comes


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    """ECMS holds offsets 5 to 20, nothing else is held and nothing committed."""
    return make_scene(tmp_path)


# --- delivery


async def test_a_fetch_of_a_partition_is_one_batch(scene: Scene) -> None:
    """In order, each message once, with where it is from."""
    hold(scene, IRSS, 0, 1)
    await scene.fetch(2)
    assert scene.shell.offsets(ECMS) == [[5, 6], [7, 8]]
    assert scene.shell.offsets(IRSS) == [[0]]
    batch = scene.shell.batches[ECMS][0]
    assert (batch.topic, batch.partition, batch.next_offset) == ("access.ecms.v1", 2, 7)


async def test_a_partition_with_its_share_under_way_is_paused_and_others_are_not(scene: Scene) -> None:
    """A judge that is behind holds up nobody else."""
    hold(scene, IRSS, 0, 20)
    await scene.fetch(2)
    scene.shell.batches[IRSS][0].finish()
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6], [7, 8]]
    assert scene.shell.offsets(IRSS) == [[0, 1], [2, 3], [4, 5]]
    assert scene.consumer.full == {ECMS, IRSS}


async def test_a_partition_goes_on_when_a_batch_has_finished(scene: Scene) -> None:
    """Where it stopped."""
    await scene.fetch(2)
    assert scene.consumer.full == {ECMS}
    scene.shell.batches[ECMS][0].finish()
    assert scene.consumer.full == set()
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6], [7, 8], [9, 10]]


async def test_room_behind_an_unfinished_batch_is_no_room(scene: Scene) -> None:
    """Under way is counted from the oldest unfinished one: that is what would be read again."""
    await scene.fetch(2)
    scene.shell.batches[ECMS][1].finish()
    assert scene.consumer.full == {ECMS}
    scene.shell.batches[ECMS][0].finish()
    assert scene.consumer.full == set()


async def test_when_everything_is_full_nothing_is_asked_for_until_there_is_room(scene: Scene) -> None:
    """No busy loop; the first finish wakes it."""
    await scene.fetch(2)
    asked = len(scene.kafka.fetches)
    waiting = asyncio.create_task(scene.fetch())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    scene.shell.batches[ECMS][0].finish()
    await asyncio.wait_for(waiting, 0.5)
    assert len(scene.kafka.fetches) == asked


async def test_a_fetch_that_waits_while_everything_is_paused_brings_nothing(scene: Scene) -> None:
    """aiokafka takes an empty set of partitions for all: it would bring messages of full queues."""
    scene.kafka.may_fetch.clear()
    waiting = asyncio.create_task(scene.fetch())
    for _ in range(5):
        await asyncio.sleep(0)
    scene.consumer.pause_partitions([ECMS])
    scene.kafka.may_fetch.set()
    await asyncio.wait_for(waiting, 5)
    assert scene.shell.offsets(ECMS) == []
    scene.consumer.resume_partitions([ECMS])
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6]]


async def test_what_one_fetch_brings_is_handed_over_in_batches(scene: Scene) -> None:
    """The judge must not hold up everybody for all that a fetch can bring, nor wait for the next one in between."""
    scene.kafka._max_poll_records = 5
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6], [7, 8], [9]]
    assert scene.consumer.full == {ECMS}
    assert scene.consumer._read_offset[ECMS] == 10


async def test_a_rebalance_between_the_batches_of_one_fetch_ends_it(scene: Scene) -> None:
    """The rest is fetched again by whoever holds the partition then."""
    scene.kafka._max_poll_records = 5
    hear = scene.shell.hear

    async def hear_and_lose(message: Any) -> None:
        await hear(message)
        rebalance(scene)

    scene.consumer.callback = hear_and_lose
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6]]
    assert scene.consumer._is_astray


async def test_urgent_partitions_are_asked_before_all_others(scene: Scene) -> None:
    """A mark must not wait behind a busy partition."""
    hold(scene, STAFF, 0, 1)
    await scene.fetch()
    assert (scene.shell.offsets(STAFF), scene.shell.offsets(ECMS)) == ([[0]], [])
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6]]


async def test_messages_handed_over_before_are_not_handed_over_again(scene: Scene) -> None:
    """The fetch position went back without a seek of ours."""
    await scene.fetch(2)
    scene.kafka.positions[TopicPartition(*ECMS)] = 8
    scene.shell.batches[ECMS][0].finish()
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6], [7, 8], [9]]
    scene.kafka.positions[TopicPartition(*ECMS)] = 5
    scene.shell.batches[ECMS][1].finish()
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6], [7, 8], [9]]


async def test_the_next_messages_are_fetched_while_these_are_handed_over(scene: Scene) -> None:
    """The judge that is handed a batch is busy with it; it must not wait for the next one afterwards."""
    fetched: list[int] = []

    async def hear(message: Any) -> None:
        await asyncio.sleep(0)
        fetched.append(len(scene.kafka.fetches))

    scene.consumer.callback = hear
    await scene.fetch()
    assert fetched == [2]


async def test_a_fetch_under_way_is_over_before_the_position_is_put_back(scene: Scene) -> None:
    """It would move the position past messages that nobody was handed."""
    scene.kafka.while_fetching.append(scene.kafka.may_fetch.clear)  # the first comes, the one ahead of it hangs
    hear = scene.shell.hear

    async def hear_and_lose(message: Any) -> None:
        await hear(message)
        if len(scene.shell.batches[ECMS]) == 1:
            rebalance(scene)

    scene.consumer.callback = hear_and_lose
    await scene.fetch()
    going_back = asyncio.create_task(scene.fetch(2))
    for _ in range(20):
        await asyncio.sleep(0)
    scene.kafka.may_fetch.set()
    await asyncio.wait_for(going_back, 5)
    assert scene.shell.offsets(ECMS) == [[5, 6], [5, 6]]


@pytest.mark.parametrize("turns", [0, 1], ids=["while it is awaited", "while it is ahead"])
async def test_a_loop_that_is_cancelled_loses_nothing_when_it_begins_again(scene: Scene, turns: int) -> None:
    """Faust begins it again after a rebalance: the fetch that went on must not move the position afterwards."""
    call = scene.consumer._thread.call_thread

    async def in_its_thread(*asked: Any, **named: Any) -> Any:
        return await asyncio.shield(asyncio.ensure_future(call(*asked, **named)))

    scene.consumer._thread.call_thread = in_its_thread
    if turns:
        scene.kafka.while_fetching.append(scene.kafka.may_fetch.clear)
        await scene.fetch()
    else:
        scene.kafka.may_fetch.clear()
    loop = asyncio.create_task(scene.consumer._drain_messages(scene.consumer))
    for _ in range(20):
        await asyncio.sleep(0)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    again = asyncio.create_task(scene.fetch(2))
    for _ in range(20):
        await asyncio.sleep(0)
    scene.kafka.may_fetch.set()
    await asyncio.wait_for(again, 5)
    assert scene.shell.offsets(ECMS)[-1] == [5, 6]


# --- what is committed


async def test_the_finished_prefix_is_committed_with_a_note(scene: Scene) -> None:
    """Whatever order the batches finish in."""
    await scene.fetch(2)
    first, second = scene.shell.batches[ECMS]
    assert await scene.commit() == {}
    second.finish()
    assert await scene.commit() == {}
    first.finish()
    assert await scene.commit() == {ECMS: (9, "finished 9")}


async def test_the_oldest_open_access_holds_the_committed_offset(scene: Scene) -> None:
    """The note says how far the partition is judged all the same."""
    scene.shell.holds[ECMS] = 6
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    assert await scene.commit() == {ECMS: (6, "finished 7")}
    del scene.shell.holds[ECMS]
    assert await scene.commit() == {ECMS: (7, "finished 7")}


async def test_partitions_are_committed_apart(scene: Scene) -> None:
    """Each has a prefix of its own."""
    hold(scene, IRSS, 0, 20)
    await scene.fetch(2)
    scene.shell.batches[ECMS][0].finish()
    scene.shell.batches[IRSS][1].finish()
    assert await scene.commit() == {ECMS: (7, "finished 7")}


async def test_a_note_that_changes_alone_is_committed(scene: Scene) -> None:
    """`status` learns that the open accesses have heard the newest marks; an unchanged one is not written again."""
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    scene.shell.notes[ECMS] = "position 318"
    await scene.commit()
    scene.kafka.committed.clear()
    assert await scene.commit() == {}
    scene.shell.notes[ECMS] = "position 319"
    assert await scene.commit() == {ECMS: (7, "position 319")}


async def test_a_committed_offset_never_goes_back(scene: Scene) -> None:
    """Whatever is held now."""
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    await scene.commit()
    scene.shell.holds[ECMS] = 6
    scene.shell.notes[ECMS] = "position 319"
    assert await scene.commit() == {ECMS: (7, "finished 7")}


async def test_what_could_not_be_committed_is_tried_again(scene: Scene) -> None:
    """A broker that is away is no reason to die, and nothing is forgotten."""
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    scene.kafka.is_away = True
    assert await scene.commit() == {}
    scene.kafka.is_away = False
    assert await scene.commit() == {ECMS: (7, "finished 7")}


async def test_nothing_is_committed_for_a_partition_that_is_no_longer_held(scene: Scene) -> None:
    """The broker would refuse all of them."""
    hold(scene, IRSS, 0, 20)
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    scene.shell.batches[IRSS][0].finish()
    scene.kafka.held.discard(TopicPartition(*IRSS))
    assert await scene.commit() == {ECMS: (7, "finished 7")}


# --- rebalance and seek


async def test_a_lost_partition_is_drained_committed_and_forgotten(scene: Scene) -> None:
    """In this order: outputs under way get their chance, then the offset, then the app is told."""
    await scene.fetch(2)
    first, second = scene.shell.batches[ECMS]
    first.finish()
    await scene.consumer.on_partitions_revoked({ECMS})
    assert scene.shell.is_draining.is_set()
    assert scene.kafka.committed[TopicPartition(*ECMS)].offset == 7
    assert scene.shell.lost == [ECMS]
    assert second.is_abandoned
    assert (scene.consumer.frontiers, scene.consumer.full) == ({}, set())


async def test_a_lost_partition_is_no_longer_full(scene: Scene) -> None:
    """It comes back empty; whoever waits for room is woken at once."""
    await scene.fetch(2)
    waiting = asyncio.create_task(scene.fetch())
    for _ in range(5):
        await asyncio.sleep(0)
    await scene.consumer.on_partitions_revoked({ECMS})
    await asyncio.wait_for(waiting, 0.5)
    assert scene.consumer.full == set()


async def test_outputs_that_hang_do_not_hold_up_a_rebalance(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their batches are read again by whoever is next."""
    monkeypatch.setattr(committing, "DRAIN_SECONDS", 0.01)
    scene.shell.may_drain.clear()
    await scene.fetch()
    await scene.consumer.on_partitions_revoked({ECMS})
    assert scene.shell.lost == [ECMS]
    assert scene.kafka.committed == {}


async def test_a_late_finish_of_an_abandoned_batch_commits_nothing(scene: Scene) -> None:
    """The partition came back and is read anew: the old batch must not move its offset."""
    await scene.fetch()
    old = scene.shell.batches[ECMS][0]
    await scene.consumer.perform_seek()
    await scene.fetch(BACK)
    old.finish()
    assert await scene.commit() == {}
    scene.shell.batches[ECMS][1].finish()
    assert await scene.commit() == {ECMS: (7, "finished 7")}


async def test_without_a_committed_offset_a_seek_goes_to_the_start(scene: Scene) -> None:
    """Upstream would leave the partition wherever the last fetch had come to: eight messages were lost that way."""
    await scene.fetch()
    await scene.consumer.perform_seek()
    await scene.fetch(BACK)
    assert scene.shell.offsets(ECMS) == [[5, 6], [5, 6]]
    assert scene.shell.lost == [ECMS]


async def test_a_committed_offset_of_zero_is_one_too(scene: Scene) -> None:
    """An open access holds the very first message; upstream takes 0 for nothing."""
    hold(scene, IRSS, 0, 20)
    scene.kafka.committed[TopicPartition(*IRSS)] = OffsetAndMetadata(0, "")
    scene.kafka.positions[TopicPartition(*IRSS)] = 11
    await scene.consumer.perform_seek()
    await scene.fetch()
    assert scene.shell.offsets(IRSS) == [[0, 1]]


async def test_a_seek_goes_to_the_committed_offset(scene: Scene) -> None:
    """What was finished is not read again, what was under way is."""
    await scene.fetch(2)
    scene.shell.batches[ECMS][0].finish()
    await scene.commit()
    await scene.consumer.perform_seek()
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6], [7, 8], [7, 8]]


@pytest.mark.parametrize(
    "happens",
    [
        rebalance,
        lambda s: s.consumer.perform_seek(),
        lambda s: s.consumer.stop_flow(),
    ],
    ids=["rebalance", "seek", "flow stopped"],
)
async def test_what_was_fetched_across_a_change_is_handed_to_nobody_and_fetched_again(
    scene: Scene, happens: Callable[[Scene], Any]
) -> None:
    """Nobody knows of which hold it is; the fetch position has moved past it, so the next thing is to go back."""
    scene.kafka.while_fetching.append(lambda: happens(scene))
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == []
    scene.consumer.resume_flow()
    await scene.fetch(2)
    assert scene.shell.offsets(ECMS) == [[5, 6]]


async def test_a_change_while_a_batch_is_handed_over_keeps_back_the_rest(scene: Scene) -> None:
    """Of two partitions fetched together the second is not handed over, and is fetched again."""
    hold(scene, IRSS, 0, 20)
    hear = scene.shell.hear

    async def hear_and_rebalance(message: Any) -> None:
        await hear(message)
        rebalance(scene)

    scene.consumer.callback = hear_and_rebalance
    await scene.fetch()
    assert (scene.shell.offsets(ECMS), scene.shell.offsets(IRSS)) == ([[5, 6]], [])
    scene.consumer.callback = hear
    await scene.fetch(2)
    assert (scene.shell.offsets(ECMS), scene.shell.offsets(IRSS)) == ([[5, 6], [5, 6]], [[0, 1]])


async def test_going_back_is_tried_until_it_succeeds(scene: Scene) -> None:
    """The broker is away, then the group meets again meanwhile; only then is anything handed over."""
    scene.kafka.while_fetching.append(lambda: rebalance(scene))
    await scene.fetch()
    scene.kafka.is_away = True
    await scene.fetch()
    scene.kafka.is_away = False
    seek = scene.kafka.seek_to_committed

    async def seek_and_rebalance() -> dict[TopicPartition, int | None]:
        rebalance(scene)
        return await seek()

    scene.kafka.seek_to_committed = seek_and_rebalance  # type: ignore[method-assign] # once
    await scene.fetch()
    scene.kafka.seek_to_committed = seek  # type: ignore[method-assign] # as it was
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == []
    await scene.fetch()
    assert scene.shell.offsets(ECMS) == [[5, 6]]


async def test_nothing_is_sought_while_the_flow_is_stopped(scene: Scene) -> None:
    """The partitions may not be ours; it waits until the flow goes on."""
    scene.kafka.while_fetching.append(scene.consumer.stop_flow)
    await scene.fetch()
    waiting = asyncio.create_task(scene.fetch())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    scene.consumer.resume_flow()
    await asyncio.wait_for(waiting, 0.5)
    await scene.fetch(2)
    assert scene.shell.offsets(ECMS) == [[5, 6]]


async def test_a_worker_that_is_left_with_no_partition_goes_on(scene: Scene) -> None:
    """There are more workers than partitions: there is nothing to go back for."""
    scene.kafka.while_fetching.append(lambda: rebalance(scene))
    await scene.fetch()
    scene.kafka.held.clear()
    await scene.fetch()
    hold(scene, IRSS, 0, 20)
    await scene.fetch()
    assert scene.shell.offsets(IRSS) == [[0, 1]]


# --- what is asked about it


async def test_unread_is_what_was_not_handed_over_and_how_new_the_last_was(scene: Scene) -> None:
    """For lag in messages and seconds; nothing was handed over: None."""
    hold(scene, IRSS, 0, 0)
    await scene.fetch()
    assert scene.consumer.unread() == {ECMS: (13, 6_000), IRSS: (0, None)}


async def test_a_partition_is_read_when_all_of_it_is_finished(scene: Scene) -> None:
    """Handed over is not enough."""
    hold(scene, STAFF, 0, 2)
    assert not scene.consumer.is_read(STAFF)
    await scene.fetch()
    assert not scene.consumer.is_read(STAFF)
    scene.shell.batches[STAFF][0].finish()
    assert scene.consumer.is_read(STAFF)
    assert not scene.consumer.is_read(ECMS)


async def test_a_partition_lost_in_another_thread_is_not_read(scene: Scene) -> None:
    """Nobody can say how far it goes."""
    scene.kafka.held.clear()
    assert not scene.consumer.is_read(ECMS)
    assert scene.consumer.unread() == {}


async def test_a_consumer_that_has_not_started_holds_nothing(scene: Scene) -> None:
    """Gauges are looked at from the first second."""
    scene.consumer._thread._consumer = None
    assert scene.consumer.held() == set()
    assert scene.consumer.unread() == {}
