"""What means harm, of every format: enough kinds, and nothing but accesses or a RejectedInputError."""

from __future__ import annotations

import pytest

from schemas.topics import CANONICAL, HEARTBEAT, SOURCES
from tests.harness.hostile import CORPORA, Corpus
from tests.harness.hostile.__main__ import tried

KINDS = 40
MUTANTS = 400  # of each format; `python -m tests.harness.hostile` tries 100,000


def test_every_content_type_has_a_corpus() -> None:
    """A format that is added needs one, too, and none is shared: forty kinds of each."""
    native = {kind for source in SOURCES.values() for kind in source.content_types}
    assert {corpus.content_type for corpus in CORPORA} == {CANONICAL, HEARTBEAT, *native}


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.content_type)
def test_nothing_but_what_must_be_comes_of_it(corpus: Corpus) -> None:
    """At least forty kinds, none of which is taken; damaged copies are read or rejected, and raise nothing else."""
    assert len(set(corpus.hostile.values())) >= KINDS
    hostile, mutants = tried(corpus, 7, MUTANTS)
    assert (hostile.read, hostile.others) == (0, set())
    assert mutants.others == set()
    assert mutants.read + mutants.rejected == MUTANTS
    assert mutants.rejected > MUTANTS // 10
