"""What judging costs without Kafka, each question in a process of its own: the heap of one must not burden the other.

    python -m tests.bench.pure_costs '{"what": "question", "facts": 1000000, "among": 10000}'

Prints one JSON document.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import psutil

from schemas.codec import decode, encode
from schemas.fact import RegisteredFact, RegisteredMark
from schemas.plain_fact import cut_plain_facts
from streams.garbage import collect_seldom, keep_for_good
from streams.join.bodies import plain_key
from streams.join.completeness import Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge, Learned
from streams.join.loading import load
from streams.join.moments import moment_of
from streams.join.names import Names
from streams.join.open import Partition
from streams.join.question import Question
from streams.join.rows import row_of
from streams.join.stretch import Place, PlainAccesses
from streams.join.touched import Query, touched
from streams.policies import load_policy
from streams.policy.indexed import accesses_of, in_doubt
from streams.policy.judging import Judging
from streams.policy.published import Published
from streams.sources import BUILT_IN, Headers

from . import many_facts
from .workload import EPOCH_MS, SOURCE, Message

BATCH: Final = 5_000  # as a worker's
WARM: Final = 15_000  # facts learned before memory is looked at
ROUNDS: Final = 15  # of which the median counts
CLOSE: Final = 500  # unexplained accesses a round
APPENDED: Final = EPOCH_MS + 450 * 86_400_000
HELD: Final = Partition(f"access.{SOURCE}.v1", 0)
SOME: Final = 500  # as `agents/corrections.py`


@dataclass(slots=True)
class Came:
    """A message as it comes from Kafka."""

    offset: int
    value: bytes | None
    timestamp: int = APPENDED
    key: bytes | None = None
    headers: Headers = ()


class Judge:
    """A worker's judge that has heard so many facts and every mark."""

    def __init__(self, facts: int) -> None:
        self.facts = facts
        policy = load_policy()
        self.knowledge = Knowledge(policy.grace_ms)
        for account in many_facts.accounts(facts):
            self.hear(account.value)
        learn_all(self.knowledge, [message.value for message in many_facts.assignments(facts)])
        completeness = Completeness.under(policy)
        for mark in many_facts.marks(self.knowledge.position):
            completeness.learn(decode(RegisteredMark, mark.value), self.knowledge.position)
        self.judging = Judging(
            policy=policy,
            knowledge=self.knowledge,
            completeness=completeness,
            published=Published(),
            index=AccessIndex(self.knowledge.facts.people, self.knowledge.facts.records),
            translators=BUILT_IN,
        )
        self.next_offset = 0
        keep_for_good()
        collect_seldom()

    def hear(self, value: bytes) -> tuple[Learned, int]:
        """One fact, the exact way."""
        return self.knowledge.take(self.knowledge.position, row_of(decode(RegisteredFact, value)))

    def came(self, messages: Iterable[Message]) -> list[Came]:
        """These messages at the next offsets."""
        found = [Came(self.next_offset + number, message.value) for number, message in enumerate(messages)]
        self.next_offset += len(found)
        return found


def learn_all(knowledge: Knowledge, values: Sequence[bytes]) -> int:
    """Assignments as a worker that starts reads them, a batch at a time; how many."""
    for some in batched(values, BATCH):
        offsets = range(knowledge.position, knowledge.position + len(some))
        assert not list(load(knowledge, offsets, cut_plain_facts(some)))
    return len(values)


def batched(values: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    """Some at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))


def question(facts: int, among: int) -> dict[str, float]:
    """Microseconds of one access, explained and not, of records among the first assignments; medians of rounds."""
    judge, rng = Judge(facts), random.Random(7)
    plain, close = list[float](), list[float]()
    for number in range(ROUNDS):
        first = number * (BATCH + CLOSE)
        batch = judge.came(many_facts.explained(BATCH, facts, among, rng, first))
        took, judged = timed(judge.judging.batch, HELD, SOURCE, batch)
        assert not judged.findings
        plain.append(took / BATCH)
        batch = judge.came(many_facts.unexplained(CLOSE, facts, among, rng, first + BATCH))
        took, judged = timed(judge.judging.batch, HELD, SOURCE, batch)
        assert len(judged.findings) == CLOSE
        close.append(took / CLOSE)
    return {"explained_us": statistics.median(plain) * 1e6, "unexplained_us": statistics.median(close) * 1e6}


def loading(facts: int) -> dict[str, float]:
    """Facts learned a second, and bytes an assignment, as resident memory grew; the texts were there before."""
    values = [message.value for message in many_facts.assignments(facts)]
    knowledge = Knowledge(load_policy().grace_ms)
    keep_for_good()
    collect_seldom()
    before = resident()
    took, _ = timed(learn_all, knowledge, values)
    return {"facts_per_s": facts / took, "resident_bytes": (resident() - before) / facts}


def assignment_bytes(facts: int) -> dict[str, float]:
    """What Python's allocator holds for an assignment, names of records and people included."""
    values = [message.value for message in many_facts.assignments(facts)]
    knowledge = Knowledge(load_policy().grace_ms)
    learn_all(knowledge, values[:WARM])  # what is kept of instants is full by now, and grows no more
    tracemalloc.start()
    learn_all(knowledge, values[WARM:])
    held, _ = tracemalloc.get_traced_memory()
    return {"traced_bytes": held / (facts - WARM)}


def index_bytes(accesses: int, *, is_traced: bool) -> dict[str, float]:
    """Bytes an indexed access, chains linked; by the allocator's own count or by resident memory. Names are extra."""
    people, records = Names(), Names()
    logins = [people[f"{SOURCE} st{number}"] for number in range(2_000)]
    numbers = [records[plain_key(f"case/su{number}")] for number in range(20_000)]
    index, rng = AccessIndex(people, records), random.Random(7)
    moment = moment_of(EPOCH_MS)
    rows = PlainAccesses(
        list(range(BATCH)),
        [rng.choice(logins) for _ in range(BATCH)],
        [rng.choice(numbers) for _ in range(BATCH)],
        [moment + number for number in range(BATCH)],
    )
    gc.collect()
    before = resident()
    if is_traced:
        tracemalloc.start()
    for first in range(0, accesses, BATCH):
        with index.taking(HELD, (first, first + BATCH), (APPENDED, APPENDED)) as taking:
            taking.add_plain(rows._replace(offsets=list(range(first, first + BATCH))))
    index.link(HELD, accesses)
    taken = tracemalloc.get_traced_memory()[0] if is_traced else resident() - before
    name = "traced_bytes" if is_traced else "resident_bytes"
    return {name: taken / accesses, "columns_bytes": index.size() / accesses}


def corrections(facts: int, accesses: int) -> dict[str, float]:
    """Accesses judged again a second: those that stay explained, and those that become findings, written out."""
    judge, rng = Judge(facts), random.Random(7)
    messages = judge.came(many_facts.explained(accesses, facts, facts, rng))
    for some in (messages[start : start + BATCH] for start in range(0, accesses, BATCH)):
        judge.judging.batch(HELD, SOURCE, some)
    numbers = rng.sample(range(facts), facts // 5)
    half = len(numbers) // 2
    for number in numbers[:1]:  # the chains are linked by the first who asks
        _again(judge, messages, [_revised(judge, number, is_void=False)])
    stay = [_revised(judge, number, is_void=False) for number in numbers[1:half]]
    stayed_s, (stayed, told) = timed(_again, judge, messages, stay)
    assert not told
    turn = [_revised(judge, number, is_void=True) for number in numbers[half:]]
    turned_s, (_, turned) = timed(_again, judge, messages, turn)
    assert turned > len(turn)
    return {
        "stayed": stayed,
        "stayed_per_s": stayed / stayed_s,
        "turned": turned,
        "turned_per_s": turned / turned_s,
    }


def _revised(judge: Judge, number: int, *, is_void: bool) -> bytes:
    """A second revision: void, or in another role, which touches the same accesses and changes nothing."""
    return many_facts.registered(many_facts.revised(number, judge.facts, is_void=is_void), "assignments").value


def _again(judge: Judge, messages: Sequence[Came], values: Sequence[bytes]) -> tuple[int, int]:
    """What a worker does about these facts, but for Kafka: accesses judged again, and findings written."""
    judging, depth = judge.judging, judge.judging.policy.paths.supervises.depth
    queries: list[Query] = []
    for value in values:
        learned, at = judge.hear(value)
        assert learned is Learned.NEW
        queries += touched(judge.knowledge, *judge.knowledge.change(at), depth)
    again = told = 0
    for first in range(0, len(queries), SOME):
        found: dict[Place, Question] = dict(
            judging.index.matching(HELD, judging.index.wanted(queries[first : first + SOME]))
        )
        again += len(found)
        wanted = set(in_doubt(judging, HELD, found))
        entries = [e for place in wanted for e in accesses_of(judging, HELD, SOURCE, messages[place.offset])]
        for finding, _ in judging.again(entries).findings:
            told += bool(encode(finding))
    return again, told


def timed(work: Callable[..., Any], *of: object) -> tuple[float, Any]:
    """CPU seconds, which a neighbour on the machine does not take, and what came of it. There is one thread."""
    began = time.process_time()
    result = work(*of)
    return time.process_time() - began, result


def resident() -> int:
    """Bytes of this process in memory."""
    return int(psutil.Process().memory_info().rss)


WHAT: Final[dict[str, Callable[..., dict[str, float]]]] = {
    "question": question,
    "loading": loading,
    "assignment_bytes": assignment_bytes,
    "index_bytes": index_bytes,
    "corrections": corrections,
}


if __name__ == "__main__":
    asked = orjson.loads(sys.argv[1])
    print(orjson.dumps(WHAT[asked.pop("what")](**asked)).decode())
