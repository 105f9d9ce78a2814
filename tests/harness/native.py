"""What tests of translators ask of what a message became."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.access import Access


def as_sent(accesses: Iterable[Access]) -> tuple[Access, ...]:
    """Those that the source wrote: whoever asked for one has another of their own (tests/unit/test_requested.py)."""
    return tuple(access for access in accesses if access.operator is None)
