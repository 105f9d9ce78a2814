"""A history played by the judge's own shell (shell.py) until everything has come to rest."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, Final

from schemas.access import finding_id
from schemas.fact import Waiver
from schemas.topics import FEEDS

from .history import (
    PARTITIONS,
    Act,
    Crash,
    Forget,
    Freeze,
    Hear,
    History,
    Leave,
    Look,
    LookBack,
    Overhear,
    Promise,
    Send,
    State,
    Store,
    Stray,
    Take,
    Waive,
)
from .play import FAR, LAST_BATCH, Asked, Played
from .shell import REST_MAX, Broker, Shell, Turns, in_memory, keep_track

PASSING: Final = 12  # turns between two acts, at the most
EVERYTHING: Final = 1 << 40


class World:
    """The workers that there are, one of whom holds the partitions."""

    def __init__(self, history: History) -> None:
        self.played = Played(history)
        self._history = history
        self._turns = Turns(history.seed)
        self._broker = Broker(self.played.stored, self._turns)
        self._away: list[Shell] = []
        self._zombies: list[Shell] = []
        self._lives = 0
        self._crashed: list[BaseException] = []
        self.shell: Shell

    async def run(self) -> Played:
        """All of it. Raises what ended a worker, and AssertionError when one never comes to rest."""
        await self._begin()
        for act in self._history.acts:
            await self._do(act)
            await self._turns.some(PASSING)
            self._check()
        await self._end()
        for shell in (self.shell, *self._away, *self._zombies):
            shell.kill()
        last: Any = SimpleNamespace(open=self.shell.judge.open, jobs=[])  # as the laws look at it
        self.played.worker, self.played.zombies = last, [last] * len(self._zombies)
        return self.played

    def _check(self) -> None:
        if self._crashed:
            raise self._crashed[0]

    async def _begin(self) -> None:
        self._lives += 1
        self.shell = Shell(self._broker, self._history.policy, f"run-{self._lives}", self._crashed.append)
        await self.shell.start()
        self.shell.hold()

    async def _do(self, act: Act) -> None:
        stored, shell = self.played.stored, self.shell
        match act:
            case State(fact):
                stored.state(fact, next(f.name for f in FEEDS.values() if fact.body.kind in f.kinds))
            case Promise(feed, through):
                stored.promise(feed, through)
            case Waive(feed, through):
                stored.facts.append(Waiver(feed=feed, through=through))
            case Send():
                self._send(act)
            case Hear() | Look():
                shell.hear()
            case Overhear():
                for one in (*self._away, *self._zombies):
                    one.hear()
            case Take(partition, number):
                shell.take(PARTITIONS[partition], number)
            case Store(number) | LookBack(number):
                for _ in range(number):
                    await self._turns.some()
                shell.commit()
            case Forget(before):
                self._broker.horizon = max(before, self._broker.horizon)
                shell.judging.index.forget(self._broker.horizon, EVERYTHING, PARTITIONS)
            case Stray(Take(partition, number)) if self._zombies:
                self._zombies[-1].take(PARTITIONS[partition], number)
            case Crash() | Leave() | Freeze():
                await self._hand_over(act)
            case _:
                pass

    def _send(self, act: Send) -> None:
        partition = PARTITIONS[act.partition]
        if act.access is not None:
            place = partition, len(self.played.stored.messages[partition])
            name = finding_id(act.access, act.appended_at)
            self.played.asked[place] = Asked(name, act.access, act.appended_at)
        self.played.stored.send(partition, act.value, act.appended_at)

    async def _hand_over(self, act: Crash | Leave | Freeze) -> None:
        gone = self.shell
        if isinstance(act, Crash):
            gone.kill()
        elif isinstance(act, Freeze):
            self._zombies.append(gone)
        elif self._turns.is_so():
            await gone.stop()
        else:
            if self._turns.is_so():
                await gone.judge.drain()
            gone.commit(is_open=False)
            gone.lose()
            self._away.append(gone)
        if act.heir.away is not None and len(self._away) > isinstance(act, Leave):
            self.shell = self._away.pop(0)
            self.shell.hear()
            self.shell.hold()
        else:
            await self._begin()

    async def _end(self) -> None:
        """Whoever was taken for dead goes on for a while; then all that will ever be said is, and is judged."""
        for zombie in self._zombies:
            await self._turns.some(PASSING)
            zombie.kill()
        for feed in FEEDS:
            if feed not in self._history.silent:
                self.played.stored.promise(feed, FAR)
        for _ in range(REST_MAX):
            self.shell.hear()
            is_new = [self.shell.take(partition, LAST_BATCH) for partition in PARTITIONS]
            await asyncio.sleep(0)
            self._check()
            if not any(is_new) and self.shell.is_at_rest():
                self.shell.commit()
                return
        raise AssertionError("it never comes to rest")


def play_shell(history: History) -> Played:
    """A history from its beginning until everything has come to rest; the logs of it."""
    world = World(history)
    undo = in_memory(world._broker)
    loop = asyncio.new_event_loop()
    loop.set_task_factory(keep_track)
    try:
        return loop.run_until_complete(world.run())
    finally:
        undo()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
