"""Keeps what aiokafka says in our thread out of the host's log: each attempt of an outage; at DEBUG, each access."""

from __future__ import annotations

import logging
import threading
from typing import Final

import aiokafka  # all its loggers exist from here on

THREAD: Final = "needtoknow-send"


class _NotOurs(logging.Filter):
    """What the host itself does with aiokafka is its own business."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may go on."""
        return threading.current_thread().name != THREAD


def hush() -> None:
    """From now on."""
    ours = _NotOurs()
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == aiokafka.__name__]
    for name in names:  # each: a filter of a logger does not see what its children say
        logging.getLogger(name).addFilter(ours)
