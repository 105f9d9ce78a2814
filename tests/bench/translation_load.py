"""Messages of every format by the thousand, no two alike, written by the tests' own writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from schemas.access import Access, Action, Purpose, Record
from schemas.codec import decode_access, encode
from schemas.plain import NOT_PLAIN, read_plain
from schemas.topics import CANONICAL, ECMS_SYSLOG, FACTS_LINE
from streams.sources import BUILT_IN
from tests.bench.translation import Shape, canonical
from tests.harness.builders import at, make_access
from tests.harness.department_people import FEDERATION
from tests.harness.ecms_syslog import syslog
from tests.harness.facts_file import audit_access, facts_file
from tests.harness.native_day import WRITERS, Native

DAY: Final = at("2026-01-06")
APPENDED: Final = DAY + 36 * 3_600_000
FOUND: Final = 5  # people that a search leads to
JOB_ENTRIES: Final = 500  # of an Accurint job in one message: `send` cuts larger ones
READ_AT_ONCE: Final = 5_000  # as a worker does
SAID: Final = Purpose(text='case review, see "Bellwether" file c:\\facts & <notes>')

Writes = Callable[[int], Native]
"""From the number of a message, from 1 on."""


def shapes(count: int) -> list[Shape]:
    """Canonical JSON first."""
    plain, *others = [_shape(name, source, map(writes, range(1, count + 1))) for name, source, writes in _KINDS]
    jobs = map(_job, range(1, max(1, count // 100) + 1))
    return [plain, _in_bulk(count), *others, _shape(f"Accurint, job of {JOB_ENTRIES}", "accurint", jobs)]


def _shape(name: str, source: str, messages: Iterable[Native]) -> Shape:
    written = list(messages)
    values = [message.value for message in written]
    headers = [("content-type", written[0].content_type.encode())]

    def read() -> int:
        return sum(len(BUILT_IN.translate(source, value, headers, APPENDED).accesses) for value in values)

    return Shape(name, values, sum(len(message.accesses) for message in written), read)


def _in_bulk(count: int) -> Shape:
    values = [canonical(number) for number in range(count)]

    def read() -> int:
        batches = (values[first : first + READ_AT_ONCE] for first in range(0, count, READ_AT_ONCE))
        return sum(row != NOT_PLAIN for some in batches for row in read_plain("ecms", some))

    return Shape("canonical JSON, in bulk", values, count, read)


def _access(number: int, source: str, action: Action = "view", *, is_person: bool = False, **rest: object) -> Access:
    login = f"U{number % 997:05}"
    made = make_access(
        f"{FEDERATION}{login}" if source == "jnet" else login,
        action,
        f"person:{_person(number)}" if is_person else f"case:c{number * 7919 % 99991:05}",
        DAY + number * 7_919 % 86_400_000,
        event_id=f"{source}-{number:09}",
        source=source,
        sequence=number,
        session=f"s{number % 4999}",
    )
    return made.model_copy(update=rest)


def _person(number: int) -> str:
    return f"{number * 104_729 % 10_000_000:012}"


def _plain(number: int) -> Native:
    value = canonical(number)
    return Native(CANONICAL, value, (decode_access(value),))


def _full(number: int) -> Native:
    access = _access(number, "ecms", device=f"ws{number % 300}", purpose=SAID, recipient="the school's social worker")
    return Native(CANONICAL, encode(access), (access,))


def _syslog(number: int) -> Native:
    access = _access(number, "ecms", device=f"ws{number % 300}", purpose=SAID)
    return Native(ECMS_SYSLOG, syslog(access), (access,))


def _facts(number: int) -> Native:
    access = audit_access(number, _access(number, "facts", device="T0042"))
    return Native(FACTS_LINE, facts_file("20260106", 7, [access]).lines[1], (access,))


def _looked_at(source: str, *, is_person: bool = False, **fields: object) -> Writes:
    """One access a message."""

    def write(number: int) -> Native:
        return _native(source, number, _access(number, source, is_person=is_person, **fields))

    return write


def _searched(source: str, written: Callable[[int], str]) -> Writes:
    """A search that led to some people."""

    def write(number: int) -> Native:
        people = [Record(kind="person", id=written(number * FOUND + one)) for one in range(FOUND)]
        access = _access(number, source, "search", candidates=tuple(people), object_count=FOUND)
        return _native(source, number, access)

    return write


def _slip(number: int) -> Native:
    out, back = (_access(number, "paper", action, purpose=SAID) for action in _OUT_AND_BACK)
    return _native("paper", number, out, back)


def _job(number: int) -> Native:
    first = number * JOB_ENTRIES
    entries = range(first, first + JOB_ENTRIES)
    return _native(
        "accurint", number, *(_access(one, "accurint", is_person=True, batch_id=f"J{number}") for one in entries)
    )


def _native(source: str, number: int, *accesses: Access) -> Native:
    message = WRITERS[source](number, accesses)
    assert message is not None, f"{source} cannot write this"
    return message


_OUT_AND_BACK: Final[tuple[Action, Action]] = ("check_out", "return")

_KINDS: Final[Sequence[tuple[str, str, Writes]]] = (
    ("canonical JSON", "ecms", _plain),
    ("canonical JSON, all said", "ecms", _full),
    ("ECMS syslog", "ecms", _syslog),
    ("FACTS line", "facts", _facts),
    ("FACTS2 change", "facts2", _looked_at("facts2")),
    ("FACTS2 change, with a reason", "facts2", _looked_at("facts2", purpose=SAID)),
    ("IRSS row", "irss", _looked_at("irss", purpose=SAID)),
    ("CLEAN pair", "clean", _looked_at("clean", record=Record(kind="person", id="PA31002220"))),
    ("CLEAN pair, asked for", "clean", _looked_at("clean", record=Record(kind="person", id="PA1"), requested_for="N7")),
    (f"CLEAN search, {FOUND} found", "clean", _searched("clean", lambda one: f"PA{_person(one)[-8:]}")),
    ("JNET view", "jnet", _looked_at("jnet", is_person=True)),
    (f"JNET search, {FOUND} found", "jnet", _searched("jnet", lambda one: f"PA{_person(one)[-8:]}")),
    ("Accurint row", "accurint", _looked_at("accurint", is_person=True)),
    ("paper slip, out and back", "paper", _slip),
)
