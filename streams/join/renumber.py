"""Names that nothing refers to, let go of in what was put away (columns.py): of accesses that are long gone. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import compress
from typing import Any, Final

from .bodies import IS_RECORD
from .plain import WIDTH
from .rows import KINDS

Columns = dict[str, "array[Any]"]

_SIDES: Final = (0, 1)


def let_go_of_names(logins: dict[str, dict[str, list[int]]], columns: Columns) -> None:
    """Number people and records anew, without those that neither a fact nor an access bears; in place.

    `logins` as `PlainDuties` has them. Names stay in their order, so that nothing else moves.
    """
    by_side = [[columns[f"facts.names.{side}"], list(_is_record(columns, side))] for side in _SIDES]
    people = {by - 1 for by in columns["facts.recorded_by"] if by}
    records: set[int] = set()
    for names, is_record in by_side:
        records.update(compress(names, is_record))
        people.update(compress(names, (not one for one in is_record)))
    people.update(*(columns[name] for name in _ending(columns, ".logins")))
    records.update(*(columns[name] for name in _ending(columns, ".records")))
    _renumber(columns, _shrunk(columns, "people", people), _shrunk(columns, "records", records), logins)


def _is_record(columns: Columns, side: int) -> Iterator[bool]:
    by_kind = [IS_RECORD[kind][side] for kind in KINDS]
    kinds = columns["facts.kinds"]
    return (by_kind[kinds[number]] for number in columns["facts.fact"])


def _shrunk(columns: Columns, name: str, used: set[int]) -> dict[int, int]:
    """New numbers by old ones; the texts of the others are gone."""
    texts = columns[name].tobytes().split(b"\n") if columns[name] else []
    kept = sorted(used)
    columns[name] = array("B", b"\n".join([texts[number] for number in kept]))
    return {number: place for place, number in enumerate(kept)}


def _renumber(columns: Columns, people: dict[int, int], records: dict[int, int], logins: Any) -> None:
    columns["facts.recorded_by"] = array("I", (people[by - 1] + 1 if by else 0 for by in columns["facts.recorded_by"]))
    for side in _SIDES:
        names, is_record = columns[f"facts.names.{side}"], _is_record(columns, side)
        new = (records[name] if one else people[name] for name, one in zip(names, is_record, strict=True))
        columns[f"facts.names.{side}"] = array("I", new)
    for number, kind in enumerate(KINDS):
        for side in _SIDES:
            _move(columns, f"facts.newest.{number}.{side}", records if IS_RECORD[kind][side] else people)
    _move(columns, "plain.first_places", records)
    duties = columns["plain.duties"]
    duties[WIDTH::WIDTH] = array("q", (people[staff] for staff in duties[WIDTH::WIDTH]))
    for of in (of for source in logins.values() for of in source.values()):
        of[0], of[1] = people[of[0]], people[of[1]]
    for ending, chain, new_of in ((".logins", ".by_login.", people), (".records", ".by_record.", records)):
        for name in list(_ending(columns, ending)):
            columns[name] = array("I", map(new_of.__getitem__, columns[name]))
            for column in ("newest", "length"):
                _move(columns, name.removesuffix(ending) + chain + column, new_of)


def _move(columns: Columns, name: str, new_of: dict[int, int]) -> None:
    """A column by a name's number; it need not reach to the last of them."""
    old = columns[name]
    columns[name] = array("I", (old[number] if number < len(old) else 0 for number in new_of))


def _ending(columns: Columns, ending: str) -> Iterable[str]:
    return (name for name in columns if name.startswith("stretch.") and name.endswith(ending))
