"""The keeper: the thread that puts what was emitted on the disk, and takes out what the broker has."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

from .hand import Hand
from .limits import DISK_PAUSE, SAY_SECONDS, WINDOW_MESSAGES
from .mending import Opened, is_damage, mend
from .message import Waiting
from .numbers import Numbers
from .settings import Settings

logger: Final = logging.getLogger("needtoknow.emit")


class Keeper:
    """`stored` counts what the broker has taken, `set_aside` damaged spools, `salvaged` what was read out of them.

    `trouble`: what is wrong with the disk now. `on_news` is called when there is more to send.
    """

    def __init__(self, settings: Settings, opened: Opened, hand: Hand) -> None:
        self._settings, self._hand = settings, hand
        self.on_news: Callable[[], None] = lambda: None
        self.trouble: str | None = None
        self.stored = self.set_aside = self.salvaged = 0
        self.spool = opened.spool
        self._numbers = Numbers(settings.spool)
        self._count_mended(opened)
        first = self.spool.read(-1, 1)
        self._stored_through = first[0].number - 1 if first else self.spool.last
        self._removed_through = self._stored_through
        self._lock = threading.Lock()
        self._promises: list[tuple[int, bool, Future[None]]] = []
        self._is_damaged = False
        self._is_covered = True
        self._refused = 0
        self._said_at = float("-inf")
        self._bell: SimpleQueue[None] = SimpleQueue()  # unlike an Event, a signal's handler may ring it at any time
        self._has_rung = False
        self._hurry, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="needtoknow-spool", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._hand.on_disk = (self.spool.messages, self.spool.bytes)
        self._thread.start()

    def wake(self) -> None:
        """There is something in hand."""
        if not self._has_rung:
            self._has_rung = True
            self._bell.put(None)

    def end(self, seconds: float) -> None:
        """Write what is in hand once more, and close the spool; wait no longer than this, and say what is left."""
        self._stop.set()
        self._hurry.set()
        self.wake()
        self._thread.join(seconds)
        if not self.has_ended:
            logger.error("the disk hangs: %d accesses are in memory only and lost if the program ends", self._held)

    @property
    def has_ended(self) -> bool:
        """Whether its thread has: nothing is written any more."""
        return not self._thread.is_alive()

    def promise(self, number: int, *, is_stored: bool) -> Future[None]:
        """Done when all through this number is on the disk, or stored by the broker."""
        future: Future[None] = Future()
        with self._lock:
            self._promises = [p for p in self._promises if not p[2].done()]
            self._promises.append((number, is_stored, future))
        self._hurry.set()
        self.wake()
        return future

    def read(self) -> list[Waiting]:
        """What the broker is to get next, in order. Raises sqlite3.Error."""
        try:
            return self.spool.read(self._stored_through, WINDOW_MESSAGES)
        except sqlite3.Error as error:
            if is_damage(error):
                self._is_damaged = True
                self.wake()
            raise

    def took(self, window: list[Waiting]) -> None:
        """The broker has these."""
        with self._lock:
            self._stored_through = window[-1].number
            self.stored += len(window)
        self._hand.stored(window)
        self.wake()
        self._keep_promises()

    @property
    def is_empty(self) -> bool:
        """Whether the broker has all that was emitted."""
        return self._stored_through >= self._hand.last

    def oldest(self) -> Waiting | None:
        """The first that the broker has not got; None, too, while the disk cannot be read."""
        if self.is_empty:
            return None
        in_hand = self._hand.oldest()
        with suppress(sqlite3.Error):
            if found := self.spool.peek(self._stored_through):
                return found
        return in_hand

    def counted_through(self) -> int | None:
        """The highest number given so far that nothing which still waits has reached: what is missing below is lost."""
        sequence = self._hand.sequence  # before looking: what is emitted meanwhile has a higher one
        if self.is_empty:
            return sequence
        oldest = self.oldest()
        if oldest is None or oldest.sequence is None or oldest.sequence <= (self._settings.number_from or 0):
            return None
        return oldest.sequence - 1

    # its thread

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._bell.get()
            self._hurry.wait(self._settings.limits.gather_seconds)
            self._has_rung = False  # before looking: whoever comes later rings again
            self._hurry.clear()
            is_last = self._stop.is_set()
            try:
                self._turn()
            except Exception as error:
                self._failed(error)
        with suppress(sqlite3.Error, OSError):
            self._close()

    def _close(self) -> None:
        """One that has not got all is left as by a program that was killed: the next emitter leaves a number out."""
        if self._held == 0 and self._hand.sequence == self.spool.sequence:
            self.spool.close()
            if self.spool.sequence is not None:
                self._numbers.settle(self.spool.sequence)
            return
        self.spool.abandon()
        if self._held:
            logger.error(
                "closed while %s: %d accesses that were taken are lost", self.trouble or "emitting", self._held
            )

    @property
    def _held(self) -> int:
        return self._hand.held()[0]

    def _turn(self) -> None:
        self._tell_refused()
        if self._is_damaged:
            self._mend()
        while self._write():
            self.on_news()
        if self.trouble is not None:
            logger.warning("the spool can be written again")
            self.trouble = None
        if not self.spool.messages:
            self.spool.shrink()

    def _write(self) -> int:
        """How many accesses were written."""
        entries, sequence = self._hand.look()
        through = self._stored_through
        if entries or through > self._removed_through or sequence != self.spool.sequence:
            if sequence is not None and self._settings.number_from is not None:
                self._cover(sequence)
            self.spool.commit(entries, through, sequence)
            self._removed_through = through
            self._hand.written(entries)
        self._keep_promises()
        return len(entries)

    def _cover(self, sequence: int) -> None:
        """What was taken is kept also where this fails: the number is needed only once the spool is damaged as well."""
        try:
            self._numbers.cover(sequence)
            self._is_covered = True
        except OSError as error:
            if self._is_covered:
                logger.error("how far was counted cannot be written beside the spool: %s", type(error).__name__)
            self._is_covered = False

    def _keep_promises(self) -> None:
        with self._lock:
            reached = {True: self._stored_through, False: max(self.spool.last, self._stored_through)}
            kept = [p for p in self._promises if p[0] <= reached[p[1]]]
            self._promises = [p for p in self._promises if p[0] > reached[p[1]]]
        for _, _, future in kept:
            with suppress(InvalidStateError):  # whoever waited has gone away
                future.set_result(None)

    def _failed(self, error: Exception) -> None:
        """Nothing is lost by it: what was not written stays in hand, and is tried again."""
        self._is_damaged = self._is_damaged or is_damage(error)
        trouble = f"the spool cannot be written: {getattr(error, 'sqlite_errorname', type(error).__name__)}"
        if trouble != self.trouble:
            logger.error("%s; %d accesses are in memory only", trouble, self._held)
        self.trouble = trouble
        self._stop.wait(DISK_PAUSE)
        self.wake()

    def _mend(self) -> None:
        self.spool.abandon()
        opened = mend(self._settings.spool, self._settings.source)
        self.spool, self._is_damaged = opened.spool, False
        self.spool.commit([], self._stored_through, self.spool.sequence)
        self._hand.on_disk = (self.spool.messages, self.spool.bytes)
        self._count_mended(opened)
        self._hand.skip_one()
        self.on_news()

    def _count_mended(self, opened: Opened) -> None:
        if opened.aside is not None:
            self.set_aside += 1
            self.salvaged += opened.salvaged
            lies = "the spool was damaged and lies beside the new one as %s; %d accesses were read out of it"
            logger.error(lies, opened.aside.name, opened.salvaged)

    def _tell_refused(self) -> None:
        refused, now = self._hand.counted.refused, time.monotonic()
        if refused > self._refused and now - self._said_at >= SAY_SECONDS:
            logger.error("no room: %d accesses were refused, and their callers told so", refused - self._refused)
            self._refused, self._said_at = refused, now
