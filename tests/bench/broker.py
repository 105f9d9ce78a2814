"""Topics and messages of one run on one broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stubs forget to export it

from schemas.topics import FEEDS, Topics

from .workload import SOURCE, Message

PARTITIONS: Final = 4  # of the access topic, its co-partitioned assignments, and the violations
DELETE_SECONDS: Final = 60.0  # for the topics of a run to be gone
LOAD_SECONDS: Final = 120.0  # for the last messages of a load to be stored


@dataclass(frozen=True)
class RunTopics:
    """The topics of one run: all of the service's under a prefix of their own, and one for the peers."""

    prefix: str

    @property
    def service(self) -> Topics:
        """The service's own."""
        return Topics(self.prefix)

    @property
    def accesses(self) -> str:
        """What every program judges."""
        return self.service.access(SOURCE)

    @property
    def assignments(self) -> str:
        """The assignment facts once more, keyed and partitioned as the accesses are; only the peers read it."""
        return f"{self.prefix}bench.assignments.v1"

    def environment(self) -> dict[str, str]:
        """How a peer is told."""
        return {
            "ACCESSES": self.accesses,
            "ASSIGNMENTS": self.assignments,
            "VIOLATIONS": self.service.violations,
            "PARTITIONS": str(PARTITIONS),
        }


class Stored(NamedTuple):
    """A message where it lies; `appended_at`: UTC ms."""

    partition: int
    offset: int
    appended_at: int
    value: bytes


class Broker:
    """What the benchmark asks of a broker; never touches a topic outside the prefix it is given."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._admin = AdminClient(self._client())

    def _client(self) -> dict[str, Any]:
        # It would say on standard error that the broker is gone, at the end, when it is meant to be.
        return {"bootstrap.servers": self.address, "log_level": 2}

    def consumer(self, group: str, **more: Any) -> Consumer:
        """A consumer that commits nothing."""
        return Consumer({**self._client(), "group.id": group, "enable.auto.commit": False, **more})

    @staticmethod
    def beginnings(topic: str, partitions: int) -> list[TopicPartition]:
        """The first place of each partition."""
        return [TopicPartition(topic, number, 0) for number in range(partitions)]

    def create_topics(self, topics: RunTopics) -> None:
        """All topics of a run, one replica each."""
        wanted = [NewTopic(t.name, t.partitions, 1, config=t.config()) for t in topics.service.all()]
        wanted.append(NewTopic(topics.assignments, PARTITIONS, 1))
        for creation in self._admin.create_topics(wanted).values():
            creation.result()

    def delete_topics(self, prefix: str) -> None:
        """Delete every topic of a run, also those that a program made for itself; wait until they are gone."""
        deadline = time.monotonic() + DELETE_SECONDS
        while time.monotonic() < deadline:
            names = [name for name in self._admin.list_topics(timeout=10).topics if name.startswith(prefix)]
            if not names:
                return
            for deletion in self._admin.delete_topics(names, operation_timeout=20).values():
                deletion.exception()  # one that is on its way out already is asked for again
            time.sleep(0.2)
        raise TimeoutError(f"the topics {prefix}* are still there after {DELETE_SECONDS:.0f} s")

    def load(self, topic: str, messages: Iterable[Message]) -> None:
        """Store the messages in order. Raises RuntimeError when the broker refuses one."""
        failed: list[str] = []
        producer = Producer(
            {
                **self._client(),
                "delivery.report.only.error": True,
                "on_delivery": lambda error, _message: failed.append(str(error)),
                "partitioner": "murmur2_random",  # the Java client's: Kafka Streams finds both topics partitioned alike
                "linger.ms": 5,
                "queue.buffering.max.messages": 2_000_000,
                "queue.buffering.max.kbytes": 1_000_000,
                "enable.idempotence": True,
            }
        )
        for number, message in enumerate(messages):
            producer.produce(topic, key=message.key, value=message.value)
            if number % 1000 == 0:
                producer.poll(0)
        unsent = producer.flush(LOAD_SECONDS)
        if unsent or failed:
            raise RuntimeError(f"{topic}: {unsent + len(failed)} messages are not stored: {failed[:1]}")

    def read_all(self, topic: str, partitions: int) -> Iterator[Stored]:
        """Everything that a topic holds now, partition by partition. Raises TimeoutError."""
        consumer = self.consumer(f"{topic}-all")
        try:
            for place in self.beginnings(topic, partitions):
                _, end = consumer.get_watermark_offsets(place, timeout=10)
                consumer.assign([place])
                offset, deadline = 0, time.monotonic() + LOAD_SECONDS
                while offset < end:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{topic}: read up to {offset} of {end} in {LOAD_SECONDS:.0f} s")
                    message = consumer.poll(0.2)
                    if message is not None and not message.error():
                        offset = (message.offset() or 0) + 1
                        yield Stored(place.partition, offset - 1, message.timestamp()[1], message.value() or b"")
        finally:
            consumer.close()

    def wait_for_marks(self, topics: RunTopics, *, check: Callable[[], None], timeout: float) -> None:
        """Return once register has stored a mark of every feed, so all facts; calls `check` meanwhile.

        Raises TimeoutError.
        """
        consumer = self.consumer(f"{topics.prefix}marks")
        consumer.assign(self.beginnings(topics.service.marks, 1))
        seen: set[str] = set()
        deadline = time.monotonic() + timeout
        try:
            while not seen.issuperset(FEEDS):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"register has no marks of {sorted(set(FEEDS) - seen)} after {timeout:.0f} s")
                check()
                message = consumer.poll(0.2)
                if message is not None and not message.error():
                    seen.add(orjson.loads(message.value() or b"{}")["feed"])
        finally:
            consumer.close()
