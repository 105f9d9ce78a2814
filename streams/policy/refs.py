"""Facts as a finding names them."""

from __future__ import annotations

from schemas.finding import FactRef

from .reach import Grounds


def refs(grounds: Grounds) -> tuple[FactRef, ...]:
    """Feed, fact_id and revision of each fact."""
    return tuple(
        FactRef(feed=used.history.feed, fact_id=used.history.fact_id, revision=used.revision.revision)
        for used in grounds
    )
