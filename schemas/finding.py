"""Finding: what the judge publishes about an access that no recorded duty explains (design sections 4, 5 and 7)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .access import Access
from .access import document as access_document
from .ids import FeedName, Id, Instant, format_instant
from .model import Strict

Outcome = Literal["explained", "late", "revoked", "unexplained", "unresolved"]
Certainty = Literal["incomplete", "provisional", "final"]
Severity = Literal["low", "medium", "high", "critical"]
Transition = Literal["raised", "revised", "withdrawn", "reinstated"]
PathName = Literal["own-assignment", "supervises", "covers", "reviews"]
Flag = Literal["borderline", "clock-ahead", "shared-login"]

Many = Field(strict=False)  # JSON has lists only; values of the contract are tuples so that nobody changes them
Offset = Annotated[int, Field(ge=0)]


class FactRef(Strict):
    """Which revision of which fact."""

    feed: FeedName
    fact_id: Id
    revision: Annotated[int, Field(ge=1)]


class Explanation(Strict):
    """A path that clears the access, with the facts it rests on."""

    path: PathName
    facts: Annotated[tuple[FactRef, ...], Many]


class NearMiss(Strict):
    """A path that failed, and why: "assignment ended 9 days before"."""

    path: PathName
    why: str
    facts: Annotated[tuple[FactRef, ...], Many]


class MessagePlace(Strict):
    """Where the message of an access lies."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Offset


class PolicyRef(Strict):
    """Which policy judged."""

    name: str
    version: Annotated[int, Field(ge=1)]
    hash: str


class Finding(Strict):
    """One transition of one finding. The state of a finding is the join of its transitions.

    `position` is the next offset of `facts.v1` when it was judged. A withdrawn finding has the outcome `explained`.
    `marks` are the feeds' promises it rests on; `waiting_for` names the feeds that keep it from being final.
    """

    finding_id: Annotated[str, Field(pattern=r"^f_[0-9a-f]{32}\z")]
    position: Offset
    transition: Transition
    outcome: Outcome
    certainty: Certainty
    severity: Severity
    clause: str
    reason: str
    staff: Id | None
    flags: Annotated[tuple[Flag, ...], Many]
    access: Access
    message: MessagePlace
    explanations: Annotated[tuple[Explanation, ...], Many]
    near_misses: Annotated[tuple[NearMiss, ...], Many]
    policy: PolicyRef
    marks: dict[FeedName, Instant]
    waiting_for: Annotated[tuple[FeedName, ...], Many]


def document(finding: Finding) -> dict[str, Any]:
    """What `model_dump(mode="json")` gives, five times faster; a test holds the two together."""
    found = dict(finding.__dict__)
    found["access"] = access_document(finding.access)
    found["message"] = dict(finding.message.__dict__)
    found["explanations"] = [{"path": e.path, "facts": _refs(e.facts)} for e in finding.explanations]
    found["near_misses"] = [{"path": n.path, "why": n.why, "facts": _refs(n.facts)} for n in finding.near_misses]
    found["policy"] = dict(finding.policy.__dict__)
    found["marks"] = {feed: format_instant(through) for feed, through in finding.marks.items()}
    return found


def _refs(facts: tuple[FactRef, ...]) -> list[dict[str, Any]]:
    return [dict(fact.__dict__) for fact in facts]
