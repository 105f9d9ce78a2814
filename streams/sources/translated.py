"""What a translator answers, the accesses that one message names; and what a file of native messages is cut into."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.access import Access


@dataclass(frozen=True, slots=True)
class Translated:
    """The accesses of one message, in its order. A control message (header, trailer, heartbeat) names none."""

    accesses: tuple[Access, ...]
    is_control: bool


CONTROL = Translated(accesses=(), is_control=True)


@dataclass(frozen=True, slots=True)
class NativeMessage:
    """One message of a file as it is sent: `value` byte-exact, or with what it inherits from others put before it.

    `key` keeps what belongs together in order; `message_id` is unique in the source, and the same when the file is sent
    again.
    """

    key: bytes
    value: bytes
    message_id: str
