"""Faults of sources and their topics: a whole source sent again, half of all on one record, partitions added."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from aiokafka.admin import NewPartitions

from schemas.access import Access
from schemas.codec import encode
from schemas.fact import Account, Fact
from sinks.kafka import Broker, admin, partitions
from tests.faults.fault import Fault
from tests.faults.harness import BROKER_SECONDS
from tests.faults.logs import opened, point
from tests.faults.scene import Scene
from tests.harness.builders import assignment, record
from tests.harness.department_mail import JSON_HEADER, fact_step
from tests.harness.department_plan import DAY_START, HOUR, MINUTE
from tests.harness.steps import Step

REPLAYED_AT: Final = 0.7  # of the day, by what is sent
SOURCE: Final = "ecms"  # four accesses of five are this source's
HOT: Final = record("case:c-hot")
HOT_SHARE: Final = 0.45  # of all accesses as they are counted in the log: half, but for repeats
HOT_AT_ONCE: Final = 2  # beside one access, to make up for those of other sources
PARTITIONS_MORE: Final = 2


class SourceReplayed(Fault):
    """A source sends everything so far once more, the same bytes."""

    name = "source-replayed"
    strikes = 0

    def sent(self, steps: Sequence[Step], chance: Random) -> Sequence[Step]:
        """Its steps so far once more."""
        place = point(steps, REPLAYED_AT)
        again = [replace(s, at_ms=steps[place].at_ms) for s in steps[:place] if s.topic == ("access", SOURCE)]
        return [*steps[:place], *again, *steps[place:]]

    def prove(self, scene: Scene) -> None:
        """Most of its events came twice or more."""
        counts = Counter(o.access.event_id for o in opened(scene.one, SOURCE))
        repeated = sum(count > 1 for count in counts.values())
        evidence = f"{repeated} of {len(counts)} accesses of {SOURCE} came more than once"
        self.note(repeated > len(counts) * (REPLAYED_AT - 0.1), evidence)


class HotKey(Fault):
    """Half of all accesses are to one record and come in one partition, while duties to it come, end and are voided."""

    name = "hot-key"
    strikes = 0

    def sent(self, steps: Sequence[Step], chance: Random) -> Sequence[Step]:
        """Beside each access another by the same person; and facts about the record all day."""
        staff = sorted({s.means.body.staff for s in steps if isinstance(s.means, Fact) and _is_account(s.means)})
        facts = sorted(_facts(staff, chance), key=lambda step: step.at_ms)
        found: list[Step] = []
        missing = 0  # of those to the hot record, to be as many as the others
        for step in steps:
            while facts and facts[0].at_ms <= step.at_ms:
                found.append(facts.pop(0))
            found.append(step)
            if isinstance(step.means, Access):
                missing += 1
                if step.topic == ("access", SOURCE):
                    hot = [_hot(step, step.means, number) for number in range(min(missing, HOT_AT_ONCE))]
                    found += hot
                    missing -= len(hot)
        return found

    def prove(self, scene: Scene) -> None:
        """How many there are, and in how many partitions."""
        accesses = opened(scene.one)
        hot = [o.message.partition for o in accesses if o.access.record == HOT]
        share = len(hot) / max(1, len(accesses))
        evidence = f"{len(hot)} of {len(accesses)} accesses were to one record, in {len(set(hot))} partition"
        self.note(share > HOT_SHARE and len(set(hot)) == 1, evidence)


def _is_account(fact: Fact) -> bool:
    return isinstance(fact.body, Account) and fact.body.source == SOURCE


def _hot(step: Step, access: Access, number: int) -> Step:
    event_id = f"hot-{number}-{access.event_id}"
    hot = access.model_copy(update={"event_id": event_id, "sequence": None, "record": HOT, "candidates": None})
    return Step(
        at_ms=step.at_ms, topic=step.topic, key=HOT.id.encode(), value=encode(hot), headers=JSON_HEADER, means=hot
    )


def _facts(staff: Sequence[str], chance: Random) -> Iterator[Step]:
    """Some have the record for long and keep it, some lose it or have it taken back, some get it late."""
    for who in staff:
        written = DAY_START + chance.randrange(6 * HOUR, 20 * HOUR)
        said = assignment(who, HOT, valid_from="2025-09-01")
        match chance.randrange(6):
            case 0 | 1:
                yield fact_step(DAY_START - MINUTE, said)
            case 2:
                yield fact_step(DAY_START - MINUTE, said)
                void = said.model_copy(update={"revision": 2, "void": True, "recorded_at": written})
                yield fact_step(written, void)
            case 3:
                yield fact_step(DAY_START - MINUTE, said)
                ended = {"revision": 2, "valid_to": written - 3 * HOUR, "recorded_at": written}
                yield fact_step(written, said.model_copy(update=ended))
            case 4:
                yield fact_step(written, said.model_copy(update={"recorded_at": written}))
            case _:
                pass  # has nothing to do with it


class PartitionsAdded(Fault):
    """The busiest topic gets more partitions while it is read."""

    name = "partitions-added"
    strikes = 1

    def strike(self, scene: Scene) -> None:
        """Returns when the broker has them."""
        topic = scene.one.topics.access(SOURCE)
        self._before, after = asyncio.run(_add_partitions(scene.kafka.bootstrap, topic))
        self._added = range(self._before, after)
        self._note_added = len(self._added) == PARTITIONS_MORE

    def prove(self, scene: Scene) -> None:
        """Messages lie in the new ones."""
        used = Counter(m.partition for m in scene.one.messages(scene.one.topics.access(SOURCE)))
        in_new = {number: used[number] for number in self._added}
        evidence = f"{SOURCE} had {self._before} partitions; the new ones hold {sorted(in_new.values())} messages"
        self.note(self._note_added and any(in_new.values()), evidence)


async def _add_partitions(bootstrap: str, topic: str) -> tuple[int, int]:
    broker = Broker(bootstrap, BROKER_SECONDS)
    before = (await partitions(broker, [topic]))[topic]
    async with admin(broker) as client:
        await client.create_partitions({topic: NewPartitions(before + PARTITIONS_MORE)})
    return before, (await partitions(broker, [topic]))[topic]
