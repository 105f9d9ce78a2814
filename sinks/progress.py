"""Progress on standard error: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

LINE_EVERY_SECONDS: Final = 3.0


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of things done since the last call; shows rate and time left."""
    began = time.monotonic()
    if sys.stderr.isatty():
        with click.progressbar(
            length=max(total, 1), label=label, file=sys.stderr, show_pos=True, item_show_func=lambda rate: rate
        ) as bar:
            yield lambda count: bar.update(count, f"{rate(bar.pos + count, time.monotonic() - began)}/s")
        return
    yield _lines(label, total, began)


def _lines(label: str, total: int, began: float) -> Callable[[int], None]:
    done, shown = 0, began

    def advance(count: int) -> None:
        nonlocal done, shown
        done += count
        now = time.monotonic()
        if now - shown >= LINE_EVERY_SECONDS:
            shown = now
            click.echo(line(label, done, total, now - began), err=True)

    return advance


def rate(done: int, seconds: float) -> str:
    """Things a second, rounded."""
    return f"{done / seconds:,.0f}" if seconds > 0 else "0"


def line(label: str, done: int, total: int, seconds: float) -> str:
    """One line of progress for a log."""
    left = (total - done) * seconds / done if done else 0.0
    return f"{label}: {done:,} of {total:,}, {rate(done, seconds)}/s, {max(left, 0):.0f} s left"
