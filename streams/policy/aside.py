"""Messages that nobody must look at: what stands in their place in a batch. Pure."""

from __future__ import annotations

from pathlib import PurePath

from schemas.errors import QuarantinedError, RejectedInputError
from streams.sources import Headers

from .judged import Rejected
from .plainly import Message


class SetAside:
    """Stands where a message stood; `message` is that one, untouched. Reading it raises `error`, and nothing else."""

    __slots__ = ("error", "headers", "message", "offset", "timestamp", "value")

    def __init__(self, message: Message, error: QuarantinedError) -> None:
        self.message = message
        self.error = error
        self.offset = message.offset
        self.timestamp = message.timestamp  # UTC milliseconds, the broker's clock
        self.value: bytes | None = None  # nothing that anybody could read
        self.headers: Headers = ()


def rejected(message: Message, error: RejectedInputError) -> Rejected:
    """A message that cannot be read, as it is told: one that was set aside with its original bytes."""
    if isinstance(error, QuarantinedError):
        return Rejected(message.message if isinstance(message, SetAside) else message, "quarantine", error)
    return Rejected(message, "translate", error)


def fault(error: BaseException) -> str:
    """What was raised and where, for whoever mends it. Not its text, which may repeat what was in the message."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = "" if last is None else f" at {PurePath(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"
    return f"{type(error).__name__}{where}"
