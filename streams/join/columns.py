"""What is kept in columns, put away as it is and taken out again: a worker that starts need not work it out again.

Pure: files are somebody else's (streams/snapshots.py).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final

from .bodies import IS_RECORD
from .facts import Facts
from .index import AccessIndex
from .knowledge import Knowledge
from .open import Partition
from .plain import WIDTH
from .reconcile import State
from .rows import KINDS
from .stretch import Age, Stretch, Wide

Columns = dict[str, "array[Any]"]
Document = dict[str, Any]
"""What is not a column, as JSON has it."""

_FACTS: Final = (
    *("kinds", "tops", "latest", "fact", "earlier", "revision", "valid_from", "valid_to", "known_from"),
    *("recorded_at", "recorded_by", "is_void", "variant"),
)
_BY_FACT: Final = ("kinds", "tops", "latest")
_STRETCH: Final = ("offsets", "moments", "records", "logins", "wide_from")
_CHAIN: Final = ("before", "newest", "length")
_SIDES: Final = (0, 1)


def layout() -> str:
    """A digest of what this code puts away, and how: columns of other code may bear the same version."""
    knowledge = Knowledge()
    index = AccessIndex(knowledge.facts.people, knowledge.facts.records)
    index.put(Partition("", 0), Stretch(0, 0), is_said=True)
    known, columns = take_knowledge(knowledge)
    indexed, more = take_index(index)
    shapes = sorted((name, column.typecode, column.itemsize) for name, column in (columns | more).items())
    documents = sorted(known), sorted(indexed["stretches"][0])
    meanings = KINDS, sorted(IS_RECORD.items()), WIDTH, Wide._fields, Age._fields, State._fields
    return blake2b(repr((shapes, documents, meanings)).encode(), digest_size=8).hexdigest()


def take_knowledge(knowledge: Knowledge) -> tuple[Document, Columns]:
    """All facts, and what is worked out of them."""
    facts, plain = knowledge.facts, knowledge.plain
    columns = _taken(facts, _FACTS, "facts")
    for side in _SIDES:
        columns[f"facts.names.{side}"] = array("I", facts.names[side])
        columns[f"facts.before.{side}"] = array("I", facts.before[side])
    for kind, side in facts.newest_by_side:
        columns[f"facts.newest.{kind}.{side}"] = array("I", facts.newest_by_side[kind, side])
    columns["facts.ids.texts"], columns["facts.ids.ends"] = facts.ids.columns()
    columns["people"], columns["records"] = _text(facts.people.all), _text(facts.records.all)
    columns |= _taken(plain, ("duties", "first_places", "places"), "plain")
    columns["offsets"] = array("Q", knowledge.offsets)
    logins = {source: {login: list(of) for login, of in logins.items()} for source, logins in plain.logins.items()}
    return {"position": knowledge.position, "waivers": dict(knowledge.waivers), "logins": logins}, columns


def put_knowledge(knowledge: Knowledge, document: Document, columns: Columns) -> None:
    """Into one that has learned nothing yet. KeyError or ValueError: it was not put away by `take_knowledge`."""
    facts, plain = knowledge.facts, knowledge.plain
    _put(facts, _FACTS, "facts", columns)
    facts.names = _pair("facts.names", columns)
    facts.before = _pair("facts.before", columns)
    for kind, side in facts.newest_by_side:
        facts.newest_by_side[kind, side] = columns[f"facts.newest.{kind}.{side}"]
    facts.ids.put(columns["facts.ids.texts"], columns["facts.ids.ends"])
    _name(facts, columns)
    _put(plain, ("duties", "first_places", "places"), "plain", columns)
    plain.logins = {
        source: {login: (of[0], of[1], of[2], of[3]) for login, of in logins.items()}
        for source, logins in document["logins"].items()
    }
    knowledge.offsets = columns["offsets"]
    _check_knowledge(knowledge)
    knowledge.position, knowledge.waivers = document["position"], document["waivers"]


def take_index(index: AccessIndex) -> tuple[Document, Columns]:
    """Every stretch of accesses, and what has been said of whom."""
    documents: list[Document] = []
    columns: Columns = {}
    for partition, stretch, is_said in _stretches(index):
        name = f"stretch.{len(documents)}"
        columns |= _taken(stretch, _STRETCH, name)
        for chain in ("by_record", "by_login"):
            columns |= _taken(getattr(stretch, chain), _CHAIN, f"{name}.{chain}")
        documents.append(
            {
                "partition": list(partition),
                "is_said": is_said,
                "bounds": [stretch.first, stretch.next_offset, stretch.since, stretch.base],
                "wide": [list(wide) for wide in stretch.wide],
                "ages": [list(age) for age in stretch.ages],
            }
        )
    return {"stretches": documents}, columns


def put_index(index: AccessIndex, document: Document, columns: Columns) -> None:
    """Into one that is empty; the names are those of the facts that were put away beside it. Raises as that does."""
    for number, one in enumerate(document["stretches"]):
        name = f"stretch.{number}"
        stretch = Stretch(0, 0)
        stretch.first, stretch.next_offset, stretch.since, stretch.base = one["bounds"]
        _put(stretch, _STRETCH, name, columns)
        for chain in ("by_record", "by_login"):
            _put(getattr(stretch, chain), _CHAIN, f"{name}.{chain}", columns)
        stretch.wide = [Wide(*wide) for wide in one["wide"]]
        stretch.ages = [Age(*age) for age in one["ages"]]
        _check_stretch(stretch)
        index.put(Partition(*one["partition"]), stretch, is_said=one["is_said"])


def _check_knowledge(knowledge: Knowledge) -> None:
    """Columns grow one after the other: a worker that ran out of memory in between leaves them of different lengths."""
    facts, plain = knowledge.facts, knowledge.plain
    by_fact = [facts.ids, *(getattr(facts, name) for name in _BY_FACT)]
    by_row = [getattr(facts, name) for name in _FACTS if name not in _BY_FACT]
    _check_lengths("of facts", by_fact)
    _check_lengths("of revisions", [*by_row, *facts.names, *facts.before, plain.places, knowledge.offsets])


def _check_stretch(stretch: Stretch) -> None:
    _check_lengths("of accesses", [stretch.offsets, stretch.moments, stretch.records, stretch.logins])
    _check_lengths("of wide accesses", [stretch.wide_from, stretch.wide])
    for chain in (stretch.by_record, stretch.by_login):
        _check_lengths("of names", [chain.newest, chain.length])
        linked = stretch.offsets[: len(chain.before)]  # the rest is linked when somebody asks
        _check_lengths("of linked accesses", [linked, chain.before])


def _check_lengths(what: str, columns: list[Any]) -> None:
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"its columns {what} are not of one length")


def _stretches(index: AccessIndex) -> Iterator[tuple[Partition, Stretch, bool]]:
    for partition in index.partitions():
        for stretch in index.stretches(partition):
            yield partition, stretch, False
    for partition, stretch in index.all_said():
        yield partition, stretch, True


def _taken(held: object, names: Iterable[str], prefix: str) -> Columns:
    """Copies: what is held goes on."""
    columns = ((name, getattr(held, name)) for name in names)
    return {f"{prefix}.{name}": array(column.typecode, column) for name, column in columns}


def _put(held: object, names: Iterable[str], prefix: str, columns: Columns) -> None:
    for name in names:
        setattr(held, name, columns[f"{prefix}.{name}"])


def _pair(name: str, columns: Columns) -> tuple[array[int], array[int]]:
    return columns[f"{name}.0"], columns[f"{name}.1"]


def _text(names: list[str]) -> array[int]:
    return array("B", "\n".join(names).encode())  # names have no control characters


def _name(facts: Facts, columns: Columns) -> None:
    for names, column in ((facts.people, columns["people"]), (facts.records, columns["records"])):
        text = column.tobytes().decode()
        names.put(text.split("\n") if text else [])
