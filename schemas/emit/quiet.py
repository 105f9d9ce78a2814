"""Keeps what aiokafka says in our thread out of the host's log: each attempt of an outage; at DEBUG, each access."""

from __future__ import annotations

import logging
import threading
from typing import Final

import aiokafka  # all its loggers exist from here on

THREAD: Final = "needtoknow-send"
_said: Final = threading.local()


class _NotOurs(logging.Filter):
    """What the host itself does with aiokafka is its own business."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may go on."""
        if threading.current_thread().name != THREAD:
            return True
        for value in record.args if isinstance(record.args, tuple) else ():
            if isinstance(value, BaseException):
                _said.error = type(value).__name__
        return False


def hush() -> None:
    """From now on."""
    ours = _NotOurs()
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == aiokafka.__name__]
    for name in names:  # each: a filter of a logger does not see what its children say
        logging.getLogger(name).addFilter(ours)


def reason(error: Exception) -> str:
    """The class of what aiokafka last told its log in this thread, since it raises the same whatever was wrong: a
    password, a certificate, a name that is none. That of the error where nothing was told, or the logger is silent."""
    said: str = getattr(_said, "error", type(error).__name__)
    _said.__dict__.clear()
    return said
