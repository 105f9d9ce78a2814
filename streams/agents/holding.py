"""This worker's hold on partitions: a lane of outputs for each, and from which cut and position each goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection

from schemas.settings import Settings
from streams.broadcast import Broadcast
from streams.join.open import Partition
from streams.store import Store
from streams.telemetry import Telemetry

from .lane import Lane
from .last_cuts import NO_CUT, LastCut, LastCuts


class Holding:
    """All of it is forgotten when the partition is lost; `ready` first learns what whoever held it before has said."""

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        broadcast: Broadcast,
        store: Store,
        telemetry: Telemetry,
        crash: Callable[[BaseException], None],
    ) -> None:
        self._topics = settings.topics
        self._run_id = run_id
        self._broadcast = broadcast
        self._store = store
        self._crash = crash
        self._ledger = LastCuts(settings, telemetry)
        self._last_cuts: dict[Partition, LastCut] = {}
        self._lanes: dict[Partition, Lane] = {}
        self._reconciled: dict[Partition, int] = {}
        self._losses = 0  # what was begun before the last of them is dropped
        self._adopted = -1

    @property
    def run(self) -> str:
        """A run of the ledger is one hold: its first cut names the last one read, which another worker may have cut."""
        return f"{self._run_id}-{self._adopted}"

    async def ready(self) -> None:
        """Return once all is known that was said of the partitions before they were held."""
        if self._adopted != self._losses:
            await self._adopt()

    async def _adopt(self) -> None:
        losses = self._losses
        await self._broadcast.catch_up()
        last = await self._ledger.look()
        if losses == self._losses:
            self._last_cuts, self._adopted = last, losses

    def lose(self, partition: Partition) -> None:
        """The partition is held no longer."""
        self._losses += 1
        self._reconciled.pop(partition, None)
        if (lane := self._lanes.pop(partition, None)) is not None:
            lane.drop()

    # what is stored

    def partitions(self) -> Collection[Partition]:
        """Those for which anything has been stored."""
        return self._lanes.keys()

    def lane(self, partition: Partition) -> Lane:
        """What is to be stored for a partition goes here."""
        lane = self._lanes.get(partition)
        if lane is None:
            last = self._last_cuts.get(partition, NO_CUT)
            self._reconciled.setdefault(partition, last.reconciled)
            lane = self._lanes[partition] = Lane(self._store, self._topics, last.digest, self._crash)
        return lane

    def is_stored(self, partition: Partition) -> bool:
        """Whether nothing is under way."""
        lane = self._lanes.get(partition)
        return lane is None or lane.is_idle

    async def drain(self) -> None:
        """Return once everything has been stored."""
        for lane in list(self._lanes.values()):
            await lane.wait_idle()

    # how far each is reconciled

    def reconciled(self, partition: Partition, position: int) -> None:
        """Everything due by what is known at this position has been said."""
        self._reconciled[partition] = position

    def reconciled_to(self, partition: Partition) -> int:
        """The last such position, of this hold or of whoever held it before."""
        return self._reconciled.get(partition, self._last_cuts.get(partition, NO_CUT).reconciled)

    async def reconciled_before(self, partition: Partition) -> int:
        """The last such position of whoever held it before."""
        await self.ready()
        return self._last_cuts.get(partition, NO_CUT).reconciled
