"""The principal x topic table, for people: a row for each topic, a column for each principal. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from schemas.principals import Operation, permissions, principals
from schemas.topics import Topics

LETTERS: Final[Mapping[Operation, str]] = {
    "read": "r",
    "write": "w",
    "describe": "d",
    "describe_configs": "s",
    "create": "c",
    "alter_configs": "a",
}
LEGEND: Final = (
    "r read, w write, c create, a alter settings, s see settings, d see that it is there and how long it is (r and w "
    "bring it)"
)
WIDTH: Final = 5

Cells = Mapping[tuple[str, str], Collection[Operation]]
"""(principal, topic) -> what it may do."""


def cells(topics: Topics, group: str) -> dict[tuple[str, str], set[Operation]]:
    """What the table says of each pair; no entry: nothing. `describe` is told only where nothing else brings it."""
    names = [topic.name for topic in topics.all()]
    found: dict[tuple[str, str], set[Operation]] = {}
    for one in permissions(topics, group):
        if one.resource == "topic":
            for name in names if one.pattern == "prefixed" else [one.name]:
                if one.pattern == "literal" or name.startswith(one.name):
                    found.setdefault((one.principal, name), set()).add(one.operation)
    for may in found.values():
        if may & {"read", "write"}:
            may.discard("describe")
    return found


def lines(topics: Topics, group: str) -> Iterator[str]:
    """What the table says."""
    yield from drawn(topics, cells(topics, group))
    yield f"group {group}: " + ", ".join(
        f"{p.principal} {p.operation}" for p in permissions(topics, group) if p.resource == "group"
    )


def drawn(topics: Topics, found: Cells) -> Iterator[str]:
    """These cells as text; columns are numbered, since names are longer than what stands below them."""
    people = [p.name for p in principals(topics)]
    yield from (f"{number:>{WIDTH}}  {name}" for number, name in enumerate(people, 1))
    wide = max(len(topic.name) for topic in topics.all())
    yield " " * wide + "".join(f"{number:>{WIDTH}}" for number in range(1, len(people) + 1))
    for topic in topics.all():
        row = (_letters(found.get((name, topic.name), ())) for name in people)
        yield topic.name.ljust(wide) + "".join(f"{letters or '.':>{WIDTH}}" for letters in row)
    yield LEGEND


def _letters(may: Collection[Operation]) -> str:
    return "".join(letter for operation, letter in LETTERS.items() if operation in may)
