"""What stands beside committed offsets: written before a death, heard by whoever is next (streams/committing.py)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams import committing
from streams.turns import others_first
from tests.harness.fake_kafka import ECMS, IRSS, Scene, hold, make_scene

SHORT = 0.1


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    """ECMS holds offsets 5 to 20, nothing else is held and nothing committed."""
    return make_scene(tmp_path)


async def test_a_note_is_written_before_anything_is_finished(scene: Scene) -> None:
    """Beside the offset where the partition was begun; not of what nothing was begun of, nor while nobody answers."""
    hold(scene, IRSS, 0, 0)
    await scene.fetch()
    scene.kafka.is_away = True
    assert await scene.consumer.write_notes([ECMS, IRSS]) == set()
    scene.kafka.is_away = False
    scene.shell.notes[ECMS] = "attempting"
    assert await scene.consumer.write_notes([ECMS, IRSS]) == {ECMS}
    assert scene.kafka.committed[TopicPartition(*ECMS)] == OffsetAndMetadata(5, "attempting")


async def test_a_note_moves_no_committed_offset_back(scene: Scene) -> None:
    """An access may be open again behind it."""
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    await scene.commit()
    scene.shell.holds[ECMS], scene.shell.notes[ECMS] = 5, "attempting"
    assert await scene.consumer.write_notes([ECMS]) == {ECMS}
    assert scene.kafka.committed[TopicPartition(*ECMS)] == OffsetAndMetadata(7, "attempting")


async def test_whoever_takes_a_partition_hears_its_note_and_its_end(scene: Scene) -> None:
    """Before a note of its own could be written over it."""
    hold(scene, IRSS, 3, 20)
    scene.kafka.committed[TopicPartition(*ECMS)] = OffsetAndMetadata(7, "attempting")
    await scene.consumer.perform_seek()
    [(firsts, notes, ends)] = scene.shell.seeks
    assert (firsts, notes, ends) == ({ECMS: 7, IRSS: 3}, {ECMS: "attempting"}, {ECMS: 20, IRSS: 20})


async def test_who_gives_partitions_up_in_order_says_so(scene: Scene) -> None:
    """Whoever is next need not take care."""
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    await scene.commit()
    await scene.consumer.on_partitions_revoked({ECMS})
    assert scene.kafka.committed[TopicPartition(*ECMS)] == OffsetAndMetadata(7, "finished 7, given up")
    await scene.consumer.perform_seek()
    assert await scene.commit() == {ECMS: (7, "finished 7")}


async def test_reading_again_begins_at_the_committed_offset(scene: Scene) -> None:
    """Also when it is asked for in the middle of handing over."""
    scene.kafka._max_poll_records = 5
    hear = scene.shell.hear

    async def hear_and_go_back(message: Any) -> None:
        await hear(message)
        if len(scene.shell.batches[ECMS]) == 1:
            scene.consumer.read_again()

    scene.consumer.callback = hear_and_go_back
    await scene.fetch(4)  # the one that goes back, and those that fetch again
    assert scene.shell.offsets(ECMS)[:2] == [[5, 6], [5, 6]]


async def test_the_end_of_a_worker_does_not_wait_for_a_broker_that_is_away(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for what is under way, and a moment for each of two commits, also while another is under way: Faust's
    would wait as long as that does, and takes being cancelled for a reason to begin again."""
    monkeypatch.setattr(committing, "DRAIN_SECONDS", SHORT)
    monkeypatch.setattr(committing, "COMMIT_SECONDS", SHORT)
    asked = asyncio.Event()

    async def unheard(offsets: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(scene.kafka, "commit", unheard)
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    waiting = asyncio.create_task(scene.consumer.commit())
    await asked.wait()
    scene.shell.may_drain.clear()
    scene.app._stopped.set()
    began = time.monotonic()
    await scene.consumer.commit_and_end_transactions()
    await scene.consumer.commit_and_end_transactions()
    assert 3 * SHORT <= time.monotonic() - began < 30 * SHORT
    waiting.cancel()


async def test_the_end_of_a_worker_commits_what_another_commit_was_too_early_for(scene: Scene) -> None:
    """The first of its two only waits for the one that is under way."""
    asked, may_commit = asyncio.Event(), asyncio.Event()
    genuine = scene.kafka.commit

    async def slowly(offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        asked.set()
        await may_commit.wait()
        await genuine(offsets)

    scene.kafka.commit = slowly
    await scene.fetch(2)
    scene.shell.batches[ECMS][0].finish()
    waiting = asyncio.create_task(scene.consumer.commit())
    await asked.wait()
    scene.shell.batches[ECMS][1].finish()
    scene.app._stopped.set()
    ending = asyncio.create_task(scene.consumer.commit_and_end_transactions())
    await others_first()  # it waits, too
    may_commit.set()
    await asyncio.gather(waiting, ending)
    assert scene.kafka.committed[TopicPartition(*ECMS)].offset == 7
    await scene.consumer.commit_and_end_transactions()
    assert scene.kafka.committed[TopicPartition(*ECMS)].offset == 9


async def test_a_last_commit_that_fails_keeps_nothing_else_from_being_stopped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it raises: a worker whose threads are not stopped goes on as if it lived."""

    async def fails(offsets: object) -> None:
        raise RuntimeError("a secret: w028")

    monkeypatch.setattr(scene.kafka, "commit", fails)
    await scene.fetch()
    scene.shell.batches[ECMS][0].finish()
    scene.app._stopped.set()
    await scene.consumer.commit_and_end_transactions()
    assert "what is not committed will be read again: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
