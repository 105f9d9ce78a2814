"""What knowledge costs in memory: 300 bytes an assignment are allowed, with all that is kept of it."""

from __future__ import annotations

import tracemalloc

from schemas.codec import encode
from schemas.plain_fact import read_plain_facts
from streams.join.knowledge import Knowledge
from streams.join.rows import row_of_plain
from tests.harness.builders import assignment, registered

RECORDS, STAFF = 10_000, 500
WARM = 9_000


def test_an_assignment_takes_less_than_300_bytes() -> None:
    """Three to a record, each recorded at an instant of its own."""
    texts = [
        encode(
            registered(
                assignment(
                    f"w{n * 7 % STAFF}", f"case:c{n % RECORDS}", recorded_at=1_767_600_000_000 + n, fact_id=f"as-{n:06}"
                )
            )
        )
        for n in range(3 * RECORDS)
    ]
    knowledge = Knowledge(3_600_000)
    tracemalloc.start()
    for first in range(0, len(texts), 1_000):
        for offset, plain in enumerate(read_plain_facts(texts[first : first + 1_000]), first):
            assert plain is not None
            knowledge.take(offset, row_of_plain(plain))
        if first == WARM:  # what is kept of instants is full by now, and grows no more
            before, known = tracemalloc.get_traced_memory()[0], len(knowledge.facts)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(knowledge.facts) == 3 * RECORDS
    assert taken / (len(knowledge.facts) - known) < 300
