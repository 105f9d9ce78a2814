"""What the transport asks of the app (transport.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from faust.types.tuples import TP


class Hooks:
    """What the transport asks of the app. `build_app` sets one on `app.batch_hooks`."""

    def __init__(
        self,
        *,
        batch_max: int,
        batches_max: int,
        is_urgent: Callable[[TP], bool],
        hold: Callable[[TP], int | None],
        on_seek: Callable[[Mapping[TP, int], Mapping[TP, str], Mapping[TP, int]], None],
        on_lost: Callable[[TP], None],
        note: Callable[[TP, int, bool], str],
        drain: Callable[[], Any],
    ) -> None:
        self.batch_max = batch_max
        """Most messages of a batch. One fetch may bring several batches."""
        self.batches_max = batches_max
        """Batches of one partition under way before it is paused; those of one fetch may go beyond it."""
        self.is_urgent = is_urgent
        """Whether the partition is asked for messages before all others."""
        self.hold = hold
        """The offset that must not be committed past, or None."""
        self.on_seek = on_seek
        """Called when it is known what is held: from which offset on each partition will be read, what stands beside
        its committed offset, and where it ends."""
        self.on_lost = on_lost
        """Called for each partition whose batches were abandoned."""
        self.note = note
        """What to write beside the committed offset, given how far the partition has been finished and whether this
        worker goes on holding it."""
        self.drain = drain
        """An awaitable that is done when no output is under way."""
