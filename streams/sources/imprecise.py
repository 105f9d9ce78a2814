"""What a source's times leave open: an access happened at some instant of an interval. Pure."""

from __future__ import annotations

from schemas.access import Access
from schemas.ids import EARLIEST_MS, LATEST_MS


def whole(access: Access, precision_ms: int) -> Access:
    """The access at all instants that a time of this precision may mean; one that names its own end keeps that."""
    if precision_ms == 1 or access.occurred_until is not None:
        return access
    return access.model_copy(update={"occurred_until": min(access.occurred_at + precision_ms - 1, LATEST_MS)})


def widened(access: Access, clock_error_ms: int) -> Access:
    """The access as an interval that surely holds when it happened, of a clock that may be off so far either way."""
    if clock_error_ms == 0:
        return access
    end = access.occurred_at if access.occurred_until is None else access.occurred_until
    interval = {
        "occurred_at": max(access.occurred_at - clock_error_ms, EARLIEST_MS),
        "occurred_until": min(end + clock_error_ms, LATEST_MS),
    }
    return access.model_copy(update=interval)
