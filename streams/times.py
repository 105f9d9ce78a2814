"""Whether what was judged of a source was judged by the times that this worker's registry says (ADR 29)."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.ledger import said
from schemas.registry import times_in
from schemas.topics import Topics

from .care import read_hold
from .errors import ChangedTimesError


def refuse_other_times(topics: Topics, notes: Mapping[tuple[str, int], str]) -> None:
    """`notes`: what stands beside committed offsets, by topic and partition. Raises ChangedTimesError.

    With other times the same access would be another interval, and its finding another finding: what was said of it
    could never be taken back, and no cut be derived again.
    """
    sources = topics.accesses()
    for (topic, _), note in sorted(notes.items()):
        if (name := sources.get(topic)) is None or (written := read_hold(note).times) is None:
            continue
        if written != times_in(topics.sources[name]):
            raise ChangedTimesError(
                f"sources.{name}: its accesses have been judged with {said(written)}; put these back into the "
                "registry, or register the system under a new name and have it send there"
            )
