"""The outputs of one partition, stored in order: findings and dead letters, then the cut, then the batch is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from schemas.ledger import Cut
from schemas.registry import written_times
from schemas.topics import Topics, source_of
from streams.store import Outgoing, Store

from .outgoing import cut_digest, cut_message


class Job(NamedTuple):
    """What one judged batch, or one settlement, has to store; `done` is called once all of it is."""

    outputs: list[Outgoing]
    cut: Cut | None
    done: Callable[[], None]


class Lane:
    """One partition while it is held. The judge does not wait for it: it judges the next batch meanwhile."""

    def __init__(
        self, store: Store, topics: Topics, previous: str | None, on_error: Callable[[BaseException], None]
    ) -> None:
        self._store = store
        self._topics = topics
        self._previous = previous  # digest of the cut before
        self._on_error = on_error
        self._jobs: list[Job] = []
        self._task: asyncio.Task[None] | None = None
        self.cuts = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything given to it has been stored."""
        return self._task is None

    def put(self, job: Job) -> None:
        """Store this after all before it."""
        self._jobs.append(job)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def wait_idle(self) -> None:
        """Return once nothing is under way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def drop(self) -> None:
        """The partition is lost. What is being stored may be: it is not wrong, and whoever is next says it again."""
        self._jobs.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._jobs:
                jobs, self._jobs = self._jobs, []
                await self._store_all(jobs)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._on_error(error)
        finally:
            self._task = None

    async def _store_all(self, jobs: list[Job]) -> None:
        outputs = [output for job in jobs for output in job.outputs]
        if outputs:
            await self._store.put(outputs)
        cuts = [self._chained(job.cut) for job in jobs if job.cut is not None]
        if cuts:
            await self._store.put(cuts)
            self.cuts += len(cuts)
        for job in jobs:
            job.done()

    def _chained(self, cut: Cut) -> Outgoing:
        times = written_times(self._topics.sources, source_of(cut.topic))
        whole = cut.model_copy(update={"previous": self._previous, "times": times})
        message = cut_message(self._topics, whole)
        assert message.value is not None
        self._previous = cut_digest(message.value)
        return message
