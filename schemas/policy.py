"""Policy: the document that says what explains an access and how grave it is when nothing does (design section 10)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import orjson
from pydantic import Field

from .access import Action
from .fact import FactKind
from .finding import Outcome, PolicyRef, Severity
from .ids import FeedName, Id, SourceName
from .model import Strict
from .topics import FEEDS

SEMANTICS = 1  # of this code; a policy that needs another one must not be judged by it


class OwnAssignment(Strict):
    """Cleared by an assignment of one's own, or of one's unit, to the record or to what it belongs to."""

    enabled: bool = True


class Supervises(Strict):
    """Cleared by the own assignment of somebody at most `depth` supervision steps below."""

    enabled: bool = True
    depth: Annotated[int, Field(ge=1, le=10)] = 2


class Covers(Strict):
    """Cleared by what clears the person one stands in for; with `carries_line` also what that person supervises."""

    enabled: bool = True
    carries_line: bool = True


class Reviews(Strict):
    """Cleared at the alert console, and nowhere else, by holding an alert about the record."""

    enabled: bool = True


class Paths(Strict):
    """The explanation paths, the most direct first. A document that does not name `reviews` does without."""

    own_assignment: OwnAssignment
    supervises: Supervises
    covers: Covers
    reviews: Reviews = Reviews(enabled=False)


class Clause(Strict):
    """One clause: the actions it is about, the policy's clause it stands for, and its words."""

    name: Id
    actions: Annotated[tuple[Action, ...], Field(strict=False, min_length=1)]
    cites: str
    text: str


class Policy(Strict):
    """A policy document. `severity` is per outcome and action; `grace_seconds` is ordinary recording lag."""

    name: Id
    version: Annotated[int, Field(ge=1)]
    semantics: Literal[1]
    grace_seconds: Annotated[int, Field(ge=0, le=30 * 86_400)]
    paths: Paths
    clauses: Annotated[tuple[Clause, ...], Field(strict=False, min_length=1)]
    severity: dict[Outcome, dict[Action, Severity]]

    @property
    def grace_ms(self) -> int:
        """Grace in milliseconds."""
        return self.grace_seconds * 1000

    def hash(self) -> str:
        """SHA-256 of the document with sorted keys, in hex."""
        document = self.model_dump(mode="json")
        if not self.paths.reviews.enabled:  # means what it meant before there was such a path, and cuts name it so
            del document["paths"]["reviews"]
        return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def ref(self) -> PolicyRef:
        """How findings name it."""
        return PolicyRef(name=self.name, version=self.version, hash=self.hash())

    def clause_of(self, action: Action) -> Clause:
        """The clause that this action falls under; the document covers every action (checked when it is read)."""
        return next(c for c in self.clauses if action in c.actions)

    def gating_feeds(self, source: SourceName | None = None) -> frozenset[FeedName]:
        """The feeds that an enabled path, or the resolution of logins, reads for an access at this source.

        None: at a source to which no feed of its own belongs, which is all of them but the alert console.
        """
        kinds: set[FactKind] = {"account"}
        if self.paths.own_assignment.enabled or self.paths.supervises.enabled or self.paths.covers.enabled:
            kinds |= {"assignment", "membership", "unit_member"}
        if self.paths.supervises.enabled or (self.paths.covers.enabled and self.paths.covers.carries_line):
            kinds |= {"supervision"}
        if self.paths.covers.enabled:
            kinds |= {"coverage"}
        if self.paths.reviews.enabled:
            kinds |= {"review"}
        return frozenset(f.name for f in FEEDS.values() if f.kinds & kinds and f.explains in (None, source))
