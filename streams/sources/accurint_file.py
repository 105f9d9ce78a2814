"""Accurint: the two kinds of file as a whole, which their first line tells apart.

A usage export begins with its header line, a batch-job manifest with `JOB,`. Both are read as streams, because a
manifest may have 200,000 lines. Its head says how many people it has, which can only be compared at its end, when most
of it would have been sent. So whoever sends one goes through it twice (`check_manifest` only counts; `cut_manifest`
counts as well), and sends the second time.

Lines may end in LF or CR LF; neither is part of what is sent, so a file that was converted gives the same messages.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final, TypeVar

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.topics import ACCURINT_BATCH, ACCURINT_ROW

from .accurint import COLUMNS, HEADER, TRANSACTION
from .accurint_batch import PART_PEOPLE_MAX, Head, part_line, read_head, read_person
from .accurint_row import LINE_MAX, Row, fields_of, instants, purpose_code, states_purposes
from .translated import NativeMessage, Report, refuse

K = TypeVar("K")
V = TypeVar("V")

_AGAIN: Final = "export the file again, whole and as UTF-8"
REMEMBERED_MAX: Final = 200_000  # transactions, and sessions: 60 MB, and a department has some thousand a day
_PART_LINE_ROOM: Final = 32  # bytes: a part line and the newlines around it, with the largest numbers there are


def content_type_of(first_line: bytes) -> str:
    """Which of the two kinds of file begins with this line. Raises RejectedInputError when neither does."""
    line = first_line.removesuffix(b"\n").removesuffix(b"\r")
    if line == HEADER.encode():
        return ACCURINT_ROW
    if line.startswith(b"JOB,"):
        return ACCURINT_BATCH
    fault = f"must be the header line of a usage export ({HEADER}) or the head of a batch manifest (JOB,...)"
    raise RejectedInputError("line 1", f"{fault}, with nothing before it, not even a byte order mark; {_AGAIN}")


# --- usage exports


def read_usage(raw: bytes) -> tuple[NativeMessage, ...]:
    """The messages of an export that is held in memory. Raises as `cut_usage` does."""
    return tuple(cut_usage(BytesIO(raw)))


def cut_usage(lines: Iterable[bytes], report: Report = refuse) -> Iterator[NativeMessage]:
    """Every row of a usage export as a message, in its order, with the row from which it inherits its purposes.

    Checks encoding, length, quotes and columns of every line, that no transaction is there twice among the last
    200,000, and that the rows of a session are in order of time. What else is in a field is not looked at: a wrong one
    becomes a dead letter of its own. Nothing in the layout tells that rows are missing. Reports RejectedInputError
    naming the line and what to do; whoever exports from Accurint must act.
    """
    rest = iter(lines)
    _begun(rest, ACCURINT_ROW)
    usage = _Usage()
    for number, line in enumerate(rest, start=2):
        try:
            message = usage.message(number, line)
        except RejectedInputError as fault:
            report(fault)
        else:
            yield message


@dataclass(frozen=True, slots=True)
class _Usage:
    """What the rows so far have said, by user and session; the ids of their messages, with their line numbers.

    Each remembers the last 200,000, so that no export can fill memory: what was forgotten is not told apart any more.
    """

    stated: OrderedDict[tuple[str, str], bytes] = field(default_factory=OrderedDict)
    latest: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)
    seen: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def message(self, number: int, raw: bytes) -> NativeMessage:
        """The message of the row on this line."""
        line = _without_end(number, raw)
        if line == HEADER.encode():
            raise RejectedInputError(f"line {number}", "is a header line again: send each file by itself")
        try:
            row = fields_of(line.decode("utf-8"), COLUMNS, "")
        except RejectedInputError as error:
            raise _located(number, error) from None
        self._check_order(number, row)
        message_id = self._id(number, row, line)
        return NativeMessage(row.of("user_id").encode(), self._value(row, line), message_id, number)

    def _value(self, row: Row, line: bytes) -> bytes:
        """Header, the row of this session that last stated purposes if this one does not, and the row."""
        session = _session(row)
        if states_purposes(row):
            self.stated.pop(session, None)
            if _is_stating(row):
                _remember(self.stated, session, line)
            return b"\n".join((HEADER.encode(), line))
        stating = (self.stated[session],) if session in self.stated else ()
        return b"\n".join((HEADER.encode(), *stating, line))

    def _id(self, number: int, row: Row, line: bytes) -> str:
        transaction = row.of("transaction_id")
        is_one = TRANSACTION.fullmatch(transaction) is not None
        message_id = f"accurint-{transaction if is_one else f'row-{hashlib.sha256(line).hexdigest()[:32]}'}"
        if before := self.seen.get(message_id):
            fault = f"has the transaction of line {before}: send each file by itself, or {_AGAIN}"
            raise RejectedInputError(f"line {number}", fault)
        _remember(self.seen, message_id, number)
        return message_id

    def _check_order(self, number: int, row: Row) -> None:
        """Raises RejectedInputError when a row is surely earlier than one above: it would inherit a later choice."""
        try:
            first, second = instants(row, "date_time")
        except RejectedInputError:
            return  # a dead letter of its own
        session = _session(row)
        if second < (latest := self.latest.get(session, first)):
            raise RejectedInputError(
                f"line {number}", "is earlier than a row of the same session above it: export oldest first"
            )
        _remember(self.latest, session, max(latest, first))


def _is_stating(row: Row) -> bool:
    """Whether purposes and time can be read. One of which they cannot be is a dead letter, and takes no row of its
    session with it; nor do these go on with an older choice, which it has replaced: they claim none."""
    try:
        purpose_code(row)
        instants(row, "date_time")
    except RejectedInputError:
        return False
    return True


def _remember(known: OrderedDict[K, V], key: K, value: V) -> None:
    """As the newest; the oldest is forgotten when there are too many."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED_MAX:
        known.popitem(last=False)


def _session(row: Row) -> tuple[str, str]:
    return row.of("user_id"), row.of("session_id")


# --- batch-job manifests


def check_manifest(lines: Iterable[bytes]) -> Head:
    """The first pass over a manifest, before any of it is sent: its head, once the file is whole.

    Raises RejectedInputError when the file is short or long (naming both counts), not in order, not UTF-8, or its head
    cannot be read; whoever exports from Accurint must act. `lines` come with their ends, as from `bounded_lines`.
    """
    _, head, people = _opened(lines)
    deque(people, maxlen=0)
    return head


def cut_manifest(lines: Iterable[bytes]) -> Iterator[NativeMessage]:
    """The second pass: the manifest as messages, each made when it is asked for; no more than one is held in memory.

    A person's line that cannot be read becomes a message of its own, so that it takes no other into a dead letter.
    Raises RejectedInputError as `check_manifest`, but for a wrong count at the end, when the rest has been given out.
    """
    head_line, head, people = _opened(lines)
    for first, run in _runs(people, MESSAGE_MAX - len(head_line) - _PART_LINE_ROOM):
        value = b"\n".join((head_line, part_line(first, len(run)).encode(), *run))
        yield NativeMessage(head.job.encode(), value, f"accurint-{head.job}-part-{first}", first + 1)


def _opened(lines: Iterable[bytes]) -> tuple[bytes, Head, Iterator[tuple[int, bytes]]]:
    rest = iter(lines)
    line = _begun(rest, ACCURINT_BATCH)
    try:
        head = read_head(line.decode("utf-8"))
    except RejectedInputError as error:
        raise _located(1, error) from None
    return line, head, _people(head, rest)


def _people(head: Head, lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number and line of each person. Raises RejectedInputError at the end when there are not as many as there should.

    Counts to the end in any case: that the file is short explains more than that a line is not the next.
    """
    count = misplaced = 0
    for count, raw in enumerate(lines, start=1):
        line = _without_end(count + 1, raw)
        if not misplaced and line.partition(b",")[0] != str(count).encode():
            misplaced = count
        if not misplaced and count <= head.people:
            yield count, line
    if count != head.people:
        fault = f"says {head.people} people but the file has {count} lines of people; {_AGAIN}"
        raise RejectedInputError("line 1: people (column 10)", fault)
    if misplaced:
        fault = f"must be {misplaced}: a line is missing, twice, or not in its place; {_AGAIN}"
        raise RejectedInputError(f"line {misplaced + 1}: number (column 1)", fault)


def _runs(people: Iterator[tuple[int, bytes]], room: int) -> Iterator[tuple[int, list[bytes]]]:
    """Runs of lines that fit into `room` bytes with a newline each, with the number of their first."""
    first, run, size = 1, list[bytes](), 0
    for number, line in people:
        is_readable = _is_readable(number, line)
        if run and (not is_readable or len(run) == PART_PEOPLE_MAX or size + len(line) >= room):
            yield first, run
            run, size = [], 0
        if not is_readable:
            yield number, [line]
            continue
        first = first if run else number
        run.append(line)
        size += len(line) + 1
    if run:
        yield first, run


def _is_readable(number: int, line: bytes) -> bool:
    try:
        read_person(line.decode("utf-8"), number)
    except RejectedInputError:
        return False
    return True


# --- lines


def _begun(lines: Iterator[bytes], content_type: str) -> bytes:
    """The first line of a file that is of this kind. Raises RejectedInputError when it is not."""
    if not (raw := next(lines, b"")):
        raise RejectedInputError("file", f"is empty; {_AGAIN}")
    if content_type_of(raw) != content_type:
        raise RejectedInputError("line 1", "begins the other kind of Accurint file: send it as what it is")
    return _without_end(1, raw)


def _without_end(number: int, raw: bytes) -> bytes:
    """A line without LF or CR LF. Raises RejectedInputError when it is cut off, too long or not UTF-8."""
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    if len(line) > LINE_MAX:
        raise RejectedInputError(f"line {number}", f"is longer than {LINE_MAX} bytes; {_AGAIN}")
    if not raw.endswith(b"\n"):
        raise RejectedInputError(f"line {number}", f"is cut off: the file ends inside it; {_AGAIN}")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        raise RejectedInputError(
            f"line {number}", f"is not UTF-8: the file was converted on its way; {_AGAIN}"
        ) from None
    return line


def _located(number: int, error: RejectedInputError) -> RejectedInputError:
    return RejectedInputError(f"line {number}: {error.place}", f"{error.reason}; {_AGAIN}")
