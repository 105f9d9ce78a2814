"""One transaction on the store, as `sinks.alerts.writing` needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Executable, Select, delete

from schemas.access import Access
from schemas.act import Act, OfFinding
from schemas.alert import Alert
from schemas.codec import decode, encode, largest_of
from schemas.errors import BrokenPromiseError
from schemas.finding import Finding
from sinks.alerts.chain import Head, Kept
from sinks.alerts.folding import is_here, tells
from sinks.alerts.grouping import Group, group_of_alert
from sinks.alerts.parties import Party, parties, watched
from sinks.alerts.receiving import Known
from sinks.alerts.telling import Telling

from . import statements as say
from . import unreadable
from .clock import Clock
from .keeping import all_kept
from .measuring import Counting
from .rows import Kind, for_ever, kind_of, values_of
from .secrets import ALERT_IDS, secret_of
from .tables import PROJECTED
from .tellings import Tellings
from .text import Said, Text, token, told_by


class _Row(NamedTuple):
    """An alert as it is in the store: its row, the number of its kind, and what it says."""

    id: int
    kind: int
    alert: Alert


class SqlWriting:
    """A transaction that writes: it holds the head of the chain, so there is one at a time.

    What it has read or written it remembers until it ends. What is only added (acts, findings, parties, words) it keeps
    for `flush`, which writes many rows at once: one by one, the statements of a batch took longer than all else in it.
    """

    def __init__(self, connection: Connection, text: Text, clock: Clock) -> None:
        self._connection = connection
        self._text = text
        self._clock = clock
        row = connection.execute(say.HEAD).one()
        self._head = Head(row.number, row.digest)
        self._at = int(row.at)
        self._rows: dict[str, _Row | None] = {}
        self._findings: dict[str, tuple[str, OfFinding] | None] = {}
        self._tellings = Tellings(connection, self._write)
        self._parties: dict[int, set[Party]] = {}
        self._kinds: dict[Kind, int] = {}
        self._later: dict[Executable, list[dict[str, Any]]] = {}
        self._said: list[Said] = []
        self._counts: Counter[int] = Counter()
        self._counting = Counting()
        self._secret: bytes | None = None

    def head(self) -> Head:
        """The newest act of all."""
        return self._head

    def moment(self, now: int) -> int:
        """When what is written now happens: at `now` (UTC ms), but never before what was, whoever has a slow clock.

        Raises ClockWrongError when the clock that says so cannot be believed.
        """
        self._at = self._clock.moment(now, self._at)
        return self._at

    def secret(self) -> bytes:
        """What the ids of alerts are made with."""
        if self._secret is None:
            self._secret = secret_of(self._connection, ALERT_IDS)
        return self._secret

    def alert(self, alert_id: str) -> Alert | None:
        """The alert of this id."""
        if alert_id not in self._rows:
            self._rows[alert_id] = None
            self._remembered(say.ALERT, {"alert_id": alert_id})
        row = self._rows[alert_id]
        return None if row is None else row.alert

    def open_alert(self, group: Group) -> Alert | None:
        """The alert of this group that is not closed; of several the newest by `opened_at`, then id."""
        return self._remembered(say.OPEN_ALERT, {"who": group.who, "record": group.record, "clause": group.clause})

    def known(self, finding_id: str) -> Known | None:
        """Where a finding is."""
        if finding_id not in self._findings:
            row = self._connection.execute(say.FINDING, {"finding_id": finding_id}).one_or_none()
            self._findings[finding_id] = None if row is None else (row.alert_id, _finding_in(row.document))
        if (found := self._findings[finding_id]) is None:
            return None
        alert = self.alert(found[0])
        assert alert is not None
        return Known(alert, found[1])

    def expect(self, findings: Sequence[Finding]) -> None:
        """Looks up at once what will be asked of each of some hundred: most are new, and so are their accesses."""
        names = {finding.finding_id for finding in findings} - self._findings.keys()
        self._findings |= dict.fromkeys(names)
        for row in self._connection.execute(say.FINDINGS_OF, {"finding_ids": sorted(names)}):
            self._findings[row.finding_id] = row.alert_id, _finding_in(row.document)
        self._tellings.expect(finding.access for finding in findings)

    def told_before(self, group: Group, access: Access) -> Known | None:
        """A finding of this access in a closed alert of this group; of several the one that weighs most, then by id."""
        name = self._tellings.told_before(group, access)
        return None if name is None else self.known(name)

    def beside(self, alert_id: str, finding: Finding) -> Telling:
        """What weighs most of an alert's other findings of the same access; NOTHING: there is none that stands."""
        return self._tellings.beside(alert_id, finding)

    def parties(self, alert_id: str) -> frozenset[Party]:
        """Whom an alert is about."""
        if self.alert(alert_id) is None:
            return frozenset()
        row = self._rows[alert_id]
        assert row is not None
        return frozenset(self._about(row.id, is_new=False))

    def by_key(self, staff: str, key: str) -> Act | None:
        """The act that this person's command with this key has become."""
        self._write()
        raw = self._connection.execute(say.ACT_BY_KEY, {"staff": staff, "key": key}).scalar_one_or_none()
        return None if raw is None else decode(Act, raw)

    def append(self, act: Act, head: Head) -> None:
        """Keep an act for ever. Raises BrokenPromiseError when it is so large that nobody could read it again."""
        row = self._rows[act.alert_id]
        assert row is not None  # every act is of an alert, which was put before
        document = encode(act)
        if len(document) > (most := largest_of(Act)):
            raise BrokenPromiseError(f"an act of {len(document)} bytes is not written: {most} are read again")
        values = {
            "number": act.number,
            "alert": row.id,
            "version": act.version,
            "at": act.at,
            "staff": act.by.staff if act.by else None,
            "key": act.key,
            "document": document,
        }
        self._add(say.ADD_ACT, values)
        self._head = head
        self._at = max(self._at, act.at)

    def put(self, act: Act, alert: Alert) -> None:
        """Make the alert, and the finding that the act is about, what the act has made of them."""
        before = None if self.alert(alert.alert_id) is None else self._rows[alert.alert_id]
        kind, values = self._kind(kind_of(alert)), values_of(alert)
        if before is None:
            row = _Row(act.number, kind, alert)
            self._connection.execute(say.ADD_ALERT, {**values, **for_ever(alert), "id": row.id, "kind": kind})
        else:
            row = _Row(before.id, kind, alert)
            self._connection.execute(say.CHANGE_ALERT, {**values, "of_alert": row.id, "kind": kind})
            self._counts[before.kind] -= 1
        self._counts[kind] += 1
        self._counting.take(None if before is None else before.alert, act, alert)
        self._rows[alert.alert_id] = row
        fresh = self._place(act, act.body, row) if isinstance(act.body, OfFinding) else []
        told = told_by(act, fresh)
        if told.words or told.ids:
            ids = " ".join(sorted(map(token, told.ids)))
            self._said.append({"number": act.number, "words": told.words, "ids": ids})

    def progress(self, name: str) -> int | None:
        """How far something has come; None: nobody has begun."""
        return self._connection.execute(say.PROGRESS_OF, {"name": name}).scalar_one_or_none()

    def advance(self, name: str, value: int) -> None:
        """Say how far something has come, in the same step as what came of it."""
        self._connection.execute(say.ADVANCE, {"name": name, "value": value})

    def keep_unreadable(self, found: Sequence[tuple[str, bytes]]) -> None:
        """Keep findings that cannot be read, each with its place, until a console can. As `unreadable.keep`."""
        unreadable.keep(self._connection, found)

    def let_go(self, number: int) -> bool:
        """It can be read, and is heard in this transaction; False: it was before."""
        return unreadable.let_go(self._connection, number)

    def clear_projection(self) -> None:
        """Forget everything that can be made anew from the acts. It is made in this transaction: no more is due."""
        self.forget()
        self.advance(say.ROWS_DUE, 0)
        for table in PROJECTED:
            self._connection.execute(delete(table))
        self._text.clear(self._connection)
        self._kinds.clear()
        self._counting.clear()
        self._counts.clear()

    def all_kept(self) -> Iterator[list[Kept]]:
        """Every act there is with its columns, in order, a piece at a time."""
        return all_kept(self._connection)

    def forget(self) -> None:
        """Lets go of what it remembers, where a transaction is long."""
        self._write()
        self._counting.flush(self._connection)
        self._rows.clear()
        self._findings.clear()
        self._tellings.forget()
        self._parties.clear()

    def flush(self) -> None:
        """Writes what was put off; the store calls it at the end."""
        self._write()
        self._connection.execute(say.MOVE_HEAD, self._head_row())
        self._counting.flush(self._connection)
        rows = [{"of_kind": kind, "by": by} for kind, by in sorted(self._counts.items()) if by]
        if rows:
            self._connection.execute(say.COUNT, rows)
        self._counts.clear()

    def _head_row(self) -> dict[str, Any]:
        return {"to_number": self._head.number, "to_digest": self._head.digest, "to_at": self._at}

    def _add(self, statement: Executable, values: dict[str, Any]) -> None:
        self._later.setdefault(statement, []).append(values)

    def _write(self) -> None:
        """What was put off. What reads it, and has not been told by what is remembered, calls this first."""
        for statement, rows in self._later.items():
            self._connection.execute(statement, rows)
        if self._said:
            self._text.learn(self._connection, self._said)
        self._later, self._said = {}, []
        self._tellings.written()

    def _remembered(self, statement: Select[Any], names: dict[str, Any]) -> Alert | None:
        found = self._connection.execute(statement, names).one_or_none()
        if found is None:
            return None
        alert = decode(Alert, found.document)
        self._rows[alert.alert_id] = _Row(found.id, found.kind, alert)
        return alert

    def _kind(self, kind: Kind) -> int:
        """Its number; one that is new gets the next, so that rows made anew are numbered alike."""
        if kind not in self._kinds:
            names = dict(zip((c.name for c in say.KIND_NAMES), kind, strict=True))
            found = self._connection.execute(say.KIND, names).scalar_one_or_none()
            if found is None:
                self._connection.execute(say.ADD_KIND, names)
                found = self._connection.execute(say.KIND, names).scalar_one()
            self._kinds[kind] = found
        return self._kinds[kind]

    def _place(self, act: Act, body: OfFinding, row: _Row) -> list[Party]:
        """Says where the finding is, and whom the alert is about; returns those who are new to it."""
        known, who = self._about(row.id, is_new=act.version == 1), group_of_alert(row.alert).who
        looked_at = (self.parties(name) for name in watched(body.finding.access))
        fresh = sorted(parties(body.finding).union(*looked_at) - known)
        for party in fresh:
            self._add(say.ADD_PARTIES, {**party._asdict(), "alert": row.id, "group_who": who})
        known.update(fresh)
        if is_here(body):
            name, access = body.finding.finding_id, self._tellings.placed(body.finding.access)
            values = {"finding_id": name, "alert_id": act.alert_id, "number": act.number}
            self._add(say.PLACE_FINDING, {**values, "access": access, "tells": tells(body)})
            self._findings[name] = (act.alert_id, body)
        return fresh

    def _about(self, alert: int, *, is_new: bool) -> set[Party]:
        if alert not in self._parties:
            rows = () if is_new else self._connection.execute(say.PARTIES_OF, {"alert": alert})
            self._parties[alert] = {Party(row.relation, row.name) for row in rows}
        return self._parties[alert]


def _finding_in(raw: bytes) -> OfFinding:
    body = decode(Act, raw).body
    assert isinstance(body, OfFinding)
    return body
