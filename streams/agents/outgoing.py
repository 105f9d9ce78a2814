"""Findings, cuts and dead letters as Kafka messages. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

from pydantic import BaseModel

from schemas.codec import MESSAGE_MAX, encode
from schemas.errors import QuarantinedError, RejectedInputError, SpeaksForAnotherError, TamperingError
from schemas.finding import Finding
from schemas.ledger import Cut
from schemas.topics import CANONICAL, Topics
from streams.care import killing
from streams.join.open import Partition
from streams.policy.aside import NotRead
from streams.policy.judged import JudgedBatch
from streams.policy.plainly import Message
from streams.store import Headers, Outgoing

_DEAD_LETTER_MAX: Final = 1_048_576 + 65_536  # bytes of original value: all that an access topic takes
_HEADERS_MAX: Final = 262_144  # bytes of original headers; what is sent by hand or by CloudEvents has less than 1 KB
THROUGH: Final = "needtoknow.errors.through"  # the last offset that a letter about more than one message speaks of
FORBIDDEN: Final = "forbidden"  # the reason of a letter about whoever spoke for another
TAMPERING: Final = "tampering"  # of what its source has not signed as it lies there
_HEADER_BYTES: Final = 10  # of a header beside its name and value, at the most


def headers_for(kind: str, name: str) -> Headers:
    """CloudEvents 1.0 in binary mode; `kind` like `finding`, `name` unique within it."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", name.encode()),
        ("ce_source", b"/needtoknow"),
        ("ce_type", f"needtoknow.{kind}.v1".encode()),
        ("content-type", CANONICAL.encode()),
    )


def finding_message(topics: Topics, finding: Finding) -> Outgoing:
    """A transition for `violations.v1`, keyed by its finding so that one finding's transitions keep their order."""
    name = f"{finding.finding_id}-{finding.position}"
    return Outgoing(topics.violations, finding.finding_id.encode(), encode(finding), headers_for("finding", name))


def outputs_of(topics: Topics, judged: JudgedBatch) -> list[Outgoing]:
    """The dead letters and transitions of a batch."""
    dead = [
        dead_letter_message(
            topics,
            topic=judged.partition.topic,
            partition=judged.partition.partition,
            message=rejected.message,
            stage=rejected.stage,
            error=rejected.error,
        )
        for rejected in judged.rejected
        if has_own_letter(rejected.message)
    ]
    return dead + [finding_message(topics, finding) for finding in judged.findings]


def has_own_letter(message: Message) -> bool:
    """Whether nothing else tells of this message: a batch that was never unpacked has one letter for all of it."""
    return not isinstance(message.value, NotRead) or message.value.has_letter


def cut_message(topics: Topics, cut: Cut) -> Outgoing:
    """A cut for `ledger.v1`, keyed by the partition it is about."""
    name = f"{cut.topic}-{cut.partition}-{cut.first_offset}-{cut.run}"
    return Outgoing(topics.ledger, cut_key(cut.topic, cut.partition), encode(cut), headers_for("cut", name))


def cut_key(topic: str, partition: int) -> bytes:
    """The key of a partition's cuts."""
    return f"{topic}/{partition}".encode()


def cut_digest(value: bytes) -> str:
    """How the next cut of the run names this one."""
    return hashlib.sha256(value).hexdigest()


def dead_letter_message(
    topics: Topics, *, topic: str, partition: int, message: Message, stage: str, error: RejectedInputError
) -> Outgoing:
    """Original bytes and headers, and why, for `dead-letter.v1`; keyed by place: writing it twice is harmless.

    What no topic would take (of a compressed message there may be gigabytes) is cut; the original stays in its topic.
    """
    place = f"{topic}/{partition}/{message.offset}"
    value = message.value
    why: list[tuple[str, bytes]] = [
        ("needtoknow.errors.topic", topic.encode()),
        ("needtoknow.errors.partition", str(partition).encode()),
        ("needtoknow.errors.offset", str(message.offset).encode()),
        ("needtoknow.errors.stage", stage.encode()),
        ("needtoknow.errors.class", type(error).__name__.encode()),
        ("needtoknow.errors.message", str(error).encode()[:1000]),
        ("needtoknow.errors.reason", ("conflict" if stage == "conflict" else reason_class(error)).encode()),
    ]
    if (key := getattr(message, "key", None)) is not None:
        why.append(("needtoknow.errors.key", key[:MESSAGE_MAX]))
    if isinstance(value, NotRead):
        why.append((THROUGH, str(value.through).encode()))
        value = None
    if value is not None and len(value) > _DEAD_LETTER_MAX:  # by compression; the original stays in its topic
        why.append(("needtoknow.errors.truncated", str(len(value)).encode()))
        value = value[:MESSAGE_MAX]
    headers = tuple(message.headers)
    if sum(len(name.encode()) + len(content or b"") + _HEADER_BYTES for name, content in headers) > _HEADERS_MAX:
        why.append(("needtoknow.errors.headers_left_out", str(len(headers)).encode()))
        headers = ()
    return Outgoing(topics.dead_letters, place.encode(), value, (*headers, *why))


def aside_letter(topics: Topics, partition: Partition, message: Message) -> tuple[Outgoing, str]:
    """The letter of a message that is set aside after it was judged, and the reason as a label says it."""
    error = killing()
    letter = dead_letter_message(
        topics, topic=partition.topic, partition=partition.partition, message=message, stage="quarantine", error=error
    )
    return letter, reason_class(error)


def value_message(topic: str, key: str, kind: str, value: BaseModel) -> Outgoing:
    """Any other record of ours."""
    return Outgoing(topic, key.encode(), encode(value), headers_for(kind, key))


def reason_class(error: RejectedInputError) -> str:
    """What is wrong, as one of the catalogue's closed set of reasons: a label never repeats a name."""
    if isinstance(error, SpeaksForAnotherError):
        return FORBIDDEN
    if isinstance(error, TamperingError):
        return TAMPERING
    if isinstance(error, QuarantinedError):
        return error.harm
    outermost = error.place.split(".", 1)[0]
    if outermost == "message" or outermost.startswith("byte "):
        return "unreadable"
    if outermost == "content-type":
        return "content_type"
    return "native" if " (" in error.place else "field"  # a native line names its columns
