"""When Python looks for garbage: seldom, and not among what a process holds for good."""

from __future__ import annotations

import gc
from typing import Final

COLLECT_AT: Final = (200_000, 50, 100)
"""What is held stays: to walk through it again and again takes 20 to 45 % of the CPU while much is read, and stops a
process that is asked things for 40 to 60 ms each time, whoever waits."""


def collect_seldom() -> None:
    """From now on."""
    gc.set_threshold(*COLLECT_AT)


def keep_for_good() -> None:
    """What is there now is never looked through again."""
    gc.collect()
    gc.freeze()
