"""What the API answers: the contract of `/api/v1`. A record has its id only where somebody was shown it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.access import Action, RecordKind, Result
from schemas.act import ActKind, AlertId, Count, Disposition, Number, Obligation, Role
from schemas.alert import Circumstance, Status, Who
from schemas.finding import Certainty, Flag, Outcome, PathName, Severity
from schemas.ids import Id, Instant, SourceName
from schemas.model import Sparse, Strict

Listed = Field(strict=False)


class RecordDocument(Sparse):
    """A record behind its mask; `id` only where it was revealed."""

    kind: RecordKind
    mask: str
    id: Id | None = None


class OwedDocument(Sparse):
    """An obligation of a confirmed alert; `reference` once it was recorded."""

    obligation: Obligation
    since: Instant
    reference: str | None = None


class AlertDocument(Sparse):
    """An alert in a list. `sentence` says who did what to whose record, `because` why that is an alert; `shown` counts
    others whom lists and reports showed besides. `accesses` are fewer than `standing` where several findings tell of
    one.
    """

    alert_id: AlertId
    version: Number
    status: Status
    severity: Severity
    outcome: Outcome
    certainty: Certainty
    circumstances: Annotated[tuple[Circumstance, ...], Listed]
    who: Who
    record: RecordDocument
    sentence: str
    because: str
    clause: str
    sources: Annotated[tuple[SourceName, ...], Listed]
    findings: Count
    standing: Count
    accesses: Count
    shown: Count
    occurred_first: Instant
    occurred_last: Instant
    opened_at: Instant
    supplements: Count
    holder: Id | None = None
    holder_login: Id | None = None
    acknowledged_at: Instant | None = None
    closed_at: Instant | None = None
    closed_by: Id | None = None
    disposition: Disposition | None = None
    owed: Annotated[tuple[OwedDocument, ...], Listed]
    looked_back: Count | None = None
    last_by: Id | None = None
    last_by_login: Id | None = None
    last_at: Instant


class AlertDetail(Strict):
    """One alert, and what whoever asks may do to it."""

    alert: AlertDocument
    deeds: Annotated[tuple[str, ...], Listed]


class AlertPage(Sparse):
    """A page of alerts; `next` asks for what follows, and is absent at the end."""

    alerts: Annotated[tuple[AlertDocument, ...], Listed]
    next: str | None = None


class FacetsDocument(Strict):
    """How many alerts there are by each thing that can be chosen; `mine` are held by whoever asks."""

    total: Count
    mine: Count
    owed: Count
    status: dict[str, int]
    severity: dict[str, int]
    outcome: dict[str, int]
    clause: dict[str, int]


class ByDocument(Strict):
    """Who acted, by which sign-in, and in which role."""

    staff: Id
    login: Id
    role: Role


class ActDocument(Sparse):
    """One act of a history; `by` is absent where the service acted."""

    version: Number
    at: Instant
    by: ByDocument | None = None
    kind: ActKind
    words: str


class ActPage(Sparse):
    """Acts in order; `next` asks for what follows, and is absent at the end."""

    acts: Annotated[tuple[ActDocument, ...], Listed]
    next: str | None = None


class NearMissDocument(Strict):
    """A path that failed, and why."""

    path: PathName
    why: str


class FindingDocument(Sparse):
    """One finding of an alert, as it stands. What says whose record it was only where that was revealed: `reason`,
    `event_id`, `recipient`, and `finding_id`, which is a digest over the record that anybody can compute. `asked_by` is
    the login that this one has named as who asked, `done_by` the one that did it and has named this one. That is its
    word only, so `severity` is never above medium there."""

    finding_id: str | None = None
    outcome: Outcome
    certainty: Certainty
    severity: Severity
    flags: Annotated[tuple[Flag, ...], Listed]
    source: SourceName
    action: Action
    result: Result
    record: RecordDocument
    candidates: Count
    shown: Count
    agency: Id | None = None
    asked_by: Id | None = None
    done_by: Id | None = None
    recipient: str | None = None
    occurred_at: Instant
    occurred_until: Instant | None = None
    near_misses: Annotated[tuple[NearMissDocument, ...], Listed]
    waiting_for: Annotated[tuple[str, ...], Listed]
    policy: str
    event_id: Id | None = None
    reason: str | None = None


class FindingPage(Sparse):
    """Findings, the newest first; `next` asks for what follows, and is absent at the end."""

    findings: Annotated[tuple[FindingDocument, ...], Listed]
    next: str | None = None


class Done(Strict):
    """What became of a command: the act it was, and the alert after it."""

    act: ActDocument
    alert: AlertDocument


class RevealedDocument(Strict):
    """Whose record it was, for whoever has said what for."""

    done: Done
    findings: Annotated[tuple[FindingDocument, ...], Listed]


class ExportedDocument(Strict):
    """A copy of an alert, unmasked: its findings, the newest first, and its history. `left_out`: findings too many."""

    done: Done
    findings: Annotated[tuple[FindingDocument, ...], Listed]
    history: Annotated[tuple[ActDocument, ...], Listed]
    left_out: Count


class SessionDocument(Sparse):
    """A sign-in; its `token` once, at its start. `staff` is absent while no fact says who this is: they see nothing."""

    login: Id
    role: Role
    staff: Id | None = None
    until: Instant
    token: str | None = None


class Problem(Sparse):
    """What is wrong, and what to do (RFC 9457). `by` and `at`: who was faster, and when."""

    type: str
    title: str
    status: int
    detail: str
    by: Id | None = None
    at: Instant | None = None
