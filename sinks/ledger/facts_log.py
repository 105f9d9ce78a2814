"""What `facts.v1` says, asked from the log alone: which revisions count, who or what they mention, what was known when.

A part of the brute-force judge (rejudge.py), and as plain: it shares no code with the judge it checks either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.fact import (
    Account,
    Assignment,
    Body,
    Coverage,
    Membership,
    RegisteredFact,
    Review,
    Supervision,
    UnitMember,
    Waiver,
)

Log = Sequence[RegisteredFact | Waiver | None]
"""`facts.v1`: the index of a message is its offset; None: one that nobody can read, and everybody passes over."""

Mention = tuple[str, ...]  # what a fact is looked up by, such as ("assignment", "case", "c0042")


class Revision(NamedTuple):
    """One revision of a fact, where it lies, and what it is looked up by."""

    offset: int
    fact: RegisteredFact
    mentions: frozenset[Mention]


@dataclass(frozen=True)
class Question:
    """Asks the facts below `position`, known by `known_by` (None: whenever), valid at `at` (None: whenever)."""

    facts: Mapping[Mention, list[list[Revision]]]
    position: int
    known_by: int | None
    at: int | None

    def bodies(self, *mention: str) -> Iterator[Body]:
        """What the facts that mention this say."""
        for revisions in self.facts.get(mention, ()):
            known = [r for r in revisions if r.offset < self.position and self._is_in_time(r.fact)]
            if not known:
                continue
            highest = known[0] if len(known) == 1 else max(known, key=lambda r: r.fact.revision)
            if mention in highest.mentions and not highest.fact.void and self._is_valid(highest.fact):
                yield highest.fact.body

    def _is_in_time(self, fact: RegisteredFact) -> bool:
        return self.known_by is None or fact.known_from <= self.known_by

    def _is_valid(self, fact: RegisteredFact) -> bool:
        if self.at is None:
            return True
        return fact.valid_from <= self.at and (fact.valid_to is None or self.at < fact.valid_to)


def standing(log: Log) -> list[list[Revision]]:
    """For each fact the revisions that count, in the order of the log (rule 2).

    The first message fixes the kind, and of one revision the first content stands. Whether a message stands depends on
    earlier ones only, so it is the same at every position that sees it.
    """
    facts: dict[tuple[str, str], list[Revision]] = {}
    for offset, message in enumerate(log):
        if message is None or isinstance(message, Waiver):
            continue
        revisions = facts.setdefault((message.feed, message.fact_id), [])
        is_other_kind = bool(revisions) and revisions[0].fact.body.kind != message.body.kind
        if not is_other_kind and all(r.fact.revision != message.revision for r in revisions):
            revisions.append(Revision(offset, message, frozenset(_mentions(message.body))))
    return list(facts.values())


def _mentions(body: Body) -> Iterator[Mention]:
    """By what a fact is looked up: its kind with what is asked of it, and "named" with each record it names.

    A review names nobody and nothing: it says no more of a record than that an alert is about it.
    """
    match body:
        case Assignment():
            yield ("assignment", body.record.kind, body.record.id)
            yield ("named", body.record.kind, body.record.id)
            if body.staff is not None:
                yield ("named", "staff", body.staff)
        case Membership():
            yield ("membership", body.record.kind, body.record.id)
            yield ("named", body.record.kind, body.record.id)
            yield ("named", body.within.kind, body.within.id)
        case Supervision():
            yield ("supervision", body.supervisor)
            yield ("named", "staff", body.supervisor)
            yield ("named", "staff", body.staff)
        case Coverage():
            yield ("coverage", body.covering)
            yield ("named", "staff", body.covering)
            yield ("named", "staff", body.covered)
        case Account():
            yield ("account", body.source, body.login)
            yield ("named", "staff", body.staff)
        case UnitMember():
            yield ("unit_member", body.staff)
            yield ("named", "staff", body.staff)
        case Review():
            yield ("review", body.staff, body.record.kind, body.record.id)
