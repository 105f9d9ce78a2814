"""From alerts, acts and findings to what the API answers: masked, unless it was revealed. Pure."""

from __future__ import annotations

from typing import Final

from schemas.access import Record
from schemas.act import Act, OfFinding
from schemas.alert import Alert
from sinks.alerts import severity
from sinks.store.reading import Facets

from .documents import (
    ActDocument,
    AlertDocument,
    ByDocument,
    FacetsDocument,
    FindingDocument,
    NearMissDocument,
    OwedDocument,
    RecordDocument,
)
from .masks import Masks
from .sentences import act_words, alert_sentence, record_words, why_words

SAME: Final = tuple(
    sorted(set(AlertDocument.model_fields) - {"record", "sentence", "because", "owed", "accesses", "shown"})
)
"""Fields of an alert that the API shows as they are."""


class Showing:
    """How one installation shows things."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks

    def record(self, record: Record, *, is_revealed: bool = False) -> RecordDocument:
        """A record behind its mask."""
        return RecordDocument(kind=record.kind, mask=self._masks.of(record), id=record.id if is_revealed else None)

    def alert(self, alert: Alert, *, is_revealed: bool = False) -> AlertDocument:
        """An alert in a list."""
        record = self.record(alert.record, is_revealed=is_revealed)
        words = record_words(alert.record, record.id or record.mask)
        return AlertDocument(
            **{name: getattr(alert, name) for name in SAME},
            record=record,
            sentence=alert_sentence(alert, words),
            because=why_words(alert),
            accesses=sum(tally.count for tally in alert.tallies),
            shown=sum(tally.shown for tally in alert.tallies),
            owed=tuple(OwedDocument(**dict(owed)) for owed in alert.owed),
        )

    def act(self, act: Act) -> ActDocument:
        """One act of a history."""
        by = ByDocument(staff=act.by.staff, login=act.by.login, role=act.by.role) if act.by else None
        return ActDocument(version=act.version, at=act.at, by=by, kind=act.body.kind, words=act_words(act))

    def finding(self, act: Act, *, is_revealed: bool = False) -> FindingDocument:
        """The finding that an act carries."""
        assert isinstance(act.body, OfFinding)
        finding, access = act.body.finding, act.body.finding.access
        return FindingDocument(
            finding_id=finding.finding_id if is_revealed else None,
            outcome=finding.outcome,
            certainty=act.body.certainty,
            severity=severity.severity_of(finding),
            flags=finding.flags,
            source=access.source,
            action=access.action,
            result=access.result,
            record=self.record(access.record, is_revealed=is_revealed),
            candidates=len(access.candidates or ()),
            shown=severity.shown(access),
            agency=access.agency,
            asked_by=access.requested_for if access.requested_for != access.actor else None,
            done_by=access.operator,
            recipient=access.recipient if is_revealed else None,
            occurred_at=access.occurred_at,
            occurred_until=access.occurred_until,
            near_misses=tuple(NearMissDocument(path=miss.path, why=miss.why) for miss in finding.near_misses),
            waiting_for=finding.waiting_for,
            policy=f"{finding.policy.name} {finding.policy.version}",
            event_id=access.event_id if is_revealed else None,
            reason=finding.reason if is_revealed else None,
        )


def facets(found: Facets) -> FacetsDocument:
    """Counts."""
    return FacetsDocument(
        total=found.total,
        mine=found.mine,
        owed=found.owed,
        status=found.status,
        severity=found.severity,
        outcome=found.outcome,
        clause=found.clause,
    )
