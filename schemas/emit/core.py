"""The parts of one emitter put together: the hand, the spool's thread, the sender's thread, and who waits for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from typing import Any, Final

from ..access import Access
from ..errors import RejectedInputError
from . import exits
from .errors import MisusedError
from .hand import Hand
from .keeper import Keeper
from .limits import LAST_SECONDS
from .mending import open_spool
from .sender import Sender
from .settings import Settings
from .stats import Stats

_ENDED: Final = "the emitter is closed; make another one"
FORKED: Final = (
    "the emitter belongs to the process that made it, and this is a child of that; make one after the fork, with a "
    "spool of its own"
)


class Core:
    """One emitter, without a face. Raises what `Face` says when it cannot begin."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        opened = open_spool(settings.spool, settings.source)
        spool = opened.spool
        self._was_killed = spool.was_killed
        self._hand = Hand(settings.source, settings.limits, spool.last, spool.sequence, settings.number_from)
        if spool.was_killed and (spool.last or spool.sequence is not None):
            self._hand.skip_one()  # what was in its hand is lost, and nobody knows whether anything was
        self._keeper = Keeper(settings, opened, self._hand)
        self._sender = Sender(settings, self._keeper)
        self._keeper.on_news = self._sender.wake
        self._gone: str | None = None
        exits.opened(self)
        self._keeper.start()
        self._sender.start()
        try:
            self._sender.begun.result()  # until its settings are known to be good; the broker is not waited for
        except (ValueError, TypeError, RuntimeError) as error:
            self.close(0)
            raise MisusedError(f"connection: {error}") from None

    def emit(self, access: Access | None, fields: Mapping[str, Any]) -> bool:
        """Whether it is taken. Raises MisusedError, and RejectedInputError where the host has no `on_invalid`."""
        if self._gone is FORKED:  # before any lock, which another thread of the parent may have held at the fork
            raise MisusedError(FORKED)
        try:
            is_taken = self._hand.put(access, fields)
        except RejectedInputError as error:
            if self._settings.on_invalid is None:
                raise
            self._settings.on_invalid(error)
            return False
        self._keeper.wake()
        return is_taken

    def kept(self) -> Future[None]:
        """Done when all that was emitted until now is on the disk."""
        self._check_here()
        return self._keeper.promise(self._hand.last, is_stored=False)

    def stored(self) -> Future[None]:
        """Done when all that was emitted until now is stored by the broker."""
        self._check_here()
        return self._keeper.promise(self._hand.last, is_stored=True)

    def _check_here(self) -> None:
        if self._gone is not None:
            raise MisusedError(self._gone)

    def close(self, seconds: float) -> bool:
        """Take nothing more, put all on the disk, give the broker so many seconds; whether nothing waits any more.

        For the disk there are `LAST_SECONDS` at least: what is lost then is logged, and `stats().unwritten`. Once it
        has ended, and from a forked child, it does nothing; one that was broken off is brought to its end by the next.
        """
        if self._gone is FORKED:
            return False
        self._gone = _ENDED
        last = self._hand.shut(_ENDED)
        if not self._keeper.has_ended:
            wait(self._keeper.promise(last, is_stored=True), seconds)
            self._sender.end()
            self._keeper.end(max(seconds, LAST_SECONDS))
        if self._keeper.has_ended:  # else the interpreter's end gives it another chance
            exits.closed(self)
        return self._keeper.is_empty

    def disown(self) -> None:
        """In a child that was forked: its threads are not here, and the spool is the parent's."""
        self._gone = FORKED
        exits.never_close(self._keeper.spool.handle)

    def stats(self) -> Stats:
        """Counts now."""
        keeper, sender, counted = self._keeper, self._sender, self._hand.counted
        unwritten, unwritten_bytes = self._hand.held()
        on_disk, disk_bytes = self._hand.on_disk
        oldest = keeper.oldest()
        age = 0.0 if oldest is None else max(0.0, time.time() - oldest.emitted_at / 1000)
        return Stats(
            emitted=counted.emitted,
            stored=keeper.stored,
            waiting=on_disk + unwritten,
            waiting_bytes=disk_bytes + unwritten_bytes,
            unwritten=unwritten,
            refused=counted.refused,
            invalid=counted.invalid,
            retries=sender.retries,
            oldest_waiting_seconds=age,
            sequence=self._hand.sequence,
            is_connected=sender.is_connected,
            was_killed=self._was_killed,
            set_aside=keeper.set_aside,
            salvaged=keeper.salvaged,
            trouble=keeper.trouble or sender.trouble,
        )


def wait(future: Future[None], seconds: float) -> bool:
    """Whether it was done within so many seconds."""
    try:
        future.result(seconds)
    except (TimeoutError, CancelledError):
        return False
    return True
