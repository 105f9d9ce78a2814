"""How far the reading of a topic has come, for people, and a bound on the silence in it."""

from __future__ import annotations

import time
from typing import Final

import click

from schemas.errors import NotReadyError

from .progress import line

SAY_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 10.0  # while following in silence: is the broker still there?


class Watch:
    """Shows how far reading has come, and ends a wait in which nothing comes."""

    def __init__(self, address: str, timeout: float, topic: str, total: int) -> None:
        self._where, self._timeout, self._topic, self._total = f"{topic} at {address}", timeout, topic, total
        self._done, self._silence = 0, 0.0
        self._began = self._asked = self._said = time.monotonic()

    def asks(self) -> None:
        """Only the broker's time counts: whoever reads may have taken a while over the last messages."""
        self._asked = time.monotonic()

    def got(self, count: int) -> None:
        """So many more messages were read; none at all for too long raises NotReadyError."""
        now = time.monotonic()
        self._done += count
        self._silence = 0.0 if count else self._silence + now - self._asked
        if self._silence > self._timeout:
            raise NotReadyError(f"{self._where} gives nothing more for {self._timeout:.0f} s")
        if now - self._said > SAY_SECONDS and self._done < self._total:
            self._said = now
            click.echo(line(f"reading {self._topic}", self._done, self._total, now - self._began), err=True)

    def is_long_silent(self) -> bool:
        """Whether nothing has come for a while since the last look."""
        self._silence += time.monotonic() - self._asked
        if self._silence < LOOK_SECONDS:
            return False
        self._silence = 0.0
        return True
