"""Messages that nobody must look at: what stands in their place in a batch. Pure."""

from __future__ import annotations

from pathlib import PurePath

from schemas.errors import QuarantinedError, RejectedInputError
from streams.sources import Headers

from .judged import Rejected
from .plainly import Message


class NotRead(bytes):
    """Stands where the value of a message stood, and is empty; reading it raises `error`, and nothing else.

    A value, since that is all of a record that aiokafka passes on as it is. `message`: the one it stands for; None when
    it was never unpacked. `through`: its letter speaks of all offsets up to this one. None of the two: the letter of an
    earlier offset speaks of it.
    """

    error: QuarantinedError
    message: Message | None
    through: int | None

    def __new__(cls, error: QuarantinedError, *, message: Message | None = None, through: int | None = None) -> NotRead:
        """An empty value."""
        made = super().__new__(cls)
        made.error, made.message, made.through = error, message, through
        return made

    @property
    def has_letter(self) -> bool:
        """Whether it is told by a letter of its own."""
        return self.message is not None or self.through is not None


class SetAside:
    """Stands where a message stood that nobody must look at. As a Kafka record it has no value, key or headers."""

    __slots__ = ("offset", "timestamp", "timestamp_type", "value")
    checksum: None = None
    headers: Headers = ()
    key: None = None

    def __init__(self, offset: int, timestamp: int, value: NotRead, timestamp_type: int = 1) -> None:
        self.offset = offset
        self.timestamp = timestamp  # UTC milliseconds, the broker's clock
        self.value: bytes | None = value
        self.timestamp_type = timestamp_type


def set_aside(message: Message, error: QuarantinedError) -> SetAside:
    """What stands for this message from now on."""
    return SetAside(message.offset, message.timestamp, NotRead(error, message=message))


def rejected(message: Message, error: RejectedInputError) -> Rejected:
    """A message that cannot be read, as it is told: one that was set aside with its original bytes."""
    if isinstance(error, QuarantinedError):
        original = message.value.message if isinstance(message.value, NotRead) else None
        return Rejected(original or message, "quarantine", error)
    return Rejected(message, "translate", error)


def fault(error: BaseException) -> str:
    """What was raised and where, for whoever mends it. Not its text, which may repeat what was in the message."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = "" if last is None else f" at {PurePath(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"
    return f"{type(error).__name__}{where}"
