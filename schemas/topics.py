"""Every topic, source and feed in one table (design section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from .fact import FactKind
from .ids import FeedName, SourceName

DAY_MS: Final = 86_400_000
YEAR_DAYS: Final = 365
FOR_EVER: Final = -1

CANONICAL: Final = "application/json"
FACTS_LINE: Final = "text/vnd.needtoknow.facts.v1"
IRSS_ROW: Final = "text/vnd.needtoknow.irss.v1"
PAPER_SLIP: Final = "text/vnd.needtoknow.paper.v1"
CLEAN_LINES: Final = "text/vnd.needtoknow.clean.v1"
ECMS_SYSLOG: Final = "text/vnd.needtoknow.ecms-syslog.v1"
ACCURINT_ROW: Final = "text/vnd.needtoknow.accurint.v1"
ACCURINT_BATCH: Final = "text/vnd.needtoknow.accurint-batch.v1"
JNET_XML: Final = "application/vnd.needtoknow.jnet.v1+xml"
FACTS2_CDC: Final = "application/vnd.needtoknow.facts2-cdc.v1+json"
HEARTBEAT: Final = "application/vnd.needtoknow.heartbeat.v1+json"
"""Of every source, like canonical JSON."""

GIVEN_HEADER: Final = "needtoknow.given"
"""On a control message: the highest sequence number that its source had given, in digits. Whoever cuts a file knows it,
and writes it on the file's header and trailer, whose own count names no number."""

SIGNATURE_HEADER: Final = "needtoknow.signature"
"""A detached JWS over the message, of sources that sign (schemas/signing.py)."""
SIGNATURE_MAX: Final = 1_024  # bytes of it; topic and key id may have 320 characters together

CHARSETS: Final = MappingProxyType({IRSS_ROW: "windows-1252"})
"""Of the content types that are not read as UTF-8: a message may name this charset, and no other."""

CONSOLE: Final[SourceName] = "console"
"""The alert console, watched like every system: whoever is shown the record of an alert has opened it there."""


DEPARTMENT_ZONE: Final = "America/New_York"
HEARTBEAT_SECONDS: Final = 120
"""Whoever has sent a heartbeat promises a message at least so often from then on. Silence is to be noticed in three
minutes; one heartbeat in 30 s may then be lost, delayed or late three times."""


@dataclass(frozen=True, kw_only=True)
class SourceKey:
    """A public key of a source that signs its messages. `x`: 32 bytes of Ed25519 as base64url, as a JWK has them
    (RFC 8037). `since`, `until`: RFC 3339 instants, of the first append time at which it holds, and of the first at
    which it does not any more; None: always, and for ever."""

    id: str
    x: str
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A system that publishes accesses.

    `content_types`: its native messages beside canonical JSON and heartbeats, which every source may send. Of the times
    in these: `zone`, the IANA zone of local times (None: they have offsets), and `precision_ms`, the shortest span that
    they tell apart: what a time cuts off lies behind it. `clock_error_ms`: how far its clock may be off, either way,
    whatever it sends. `has_tombstones`: a message without a value is nothing but a word of the connector that copies
    the source's table, and so a control message; of every other source it is a mistake.

    What is expected of it (ADR 31), from its first message on or once a registry says so, by local time in `zone`, or
    the department's: `is_online`: it sends an access as it happens, so that the delay tells of its clock.
    `heard_every_seconds`: it promises a message at least so often, be it a heartbeat (None: as HEARTBEAT_SECONDS says
    once it has sent one; 0: it promises nothing), within `hours`, like "08:00-17:00", if there are any. `due`: by this
    time of day, like "06:00", it has brought something of the last `due_within_hours`. `workdays_only`: from Monday to
    Friday.

    Of its numbers: `numbers_since`, an RFC 3339 instant at which it began to count anew, and what came before is not
    compared any more; `never_given`, ranges that it says it has left out for ever.

    `accounts`: of a source where people sign in as at another, that other one: its account facts say whose a login is.
    None: account facts of its own do.

    `keys`: with any, all of its messages must be signed from the moment on at which the first of them holds.
    """

    name: SourceName
    title: str
    content_types: tuple[str, ...] = ()
    zone: str | None = None
    precision_ms: int = 1
    clock_error_ms: int = 0
    accounts: SourceName | None = None
    has_tombstones: bool = False
    is_online: bool = False
    heard_every_seconds: int | None = None
    hours: str | None = None
    due: str | None = None
    due_within_hours: int = 12
    workdays_only: bool = False
    numbers_since: str | None = None
    never_given: tuple[tuple[int, int], ...] = ()
    keys: tuple[SourceKey, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A system that states facts, and the kinds it may state.

    `explains`: the only source whose accesses its facts may explain, so that no other waits for it; None: any.
    """

    name: FeedName
    title: str
    kinds: frozenset[FactKind]
    explains: SourceName | None = None


SOURCES: Final = MappingProxyType(
    {
        s.name: s
        for s in (
            Source(
                name="facts",
                title="FACTS",
                content_types=(FACTS_LINE,),
                zone=DEPARTMENT_ZONE,
                precision_ms=1_000,
                due="06:00",
            ),
            Source(
                name="facts2",
                title="FACTS2",
                content_types=(FACTS2_CDC,),
                zone=DEPARTMENT_ZONE,
                has_tombstones=True,
                is_online=True,
            ),
            Source(name="irss", title="IRSS", content_types=(IRSS_ROW,), zone=DEPARTMENT_ZONE, precision_ms=60_000),
            Source(name="clean", title="CLEAN", content_types=(CLEAN_LINES,), zone=DEPARTMENT_ZONE, precision_ms=10),
            Source(name="jnet", title="JNET", content_types=(JNET_XML,), is_online=True),
            Source(
                name="accurint",
                title="Accurint",
                content_types=(ACCURINT_ROW, ACCURINT_BATCH),
                zone=DEPARTMENT_ZONE,
                precision_ms=1_000,
            ),
            Source(name="ecms", title="ECMS", content_types=(ECMS_SYSLOG,), is_online=True),
            Source(
                name="paper",
                title="paper sign-out",
                content_types=(PAPER_SLIP,),
                zone=DEPARTMENT_ZONE,
                precision_ms=DAY_MS,
                due="17:00",  # on a day on which the records room is open somebody signs out a file
                workdays_only=True,
            ),
            Source(name=CONSOLE, title="alert console", is_online=True),
        )
    }
)


def source_of(topic: str) -> SourceName:
    """Whose accesses go to this topic, whatever its prefix."""
    return topic.removesuffix(".v1").rpartition(".")[2]


FEEDS: Final = MappingProxyType(
    {
        f.name: f
        for f in (
            Feed(name="assignments", title="case assignments", kinds=frozenset({"assignment"})),
            Feed(
                name="staff",
                title="staff directory",
                kinds=frozenset({"account", "supervision", "coverage", "unit_member"}),
            ),
            Feed(name="cases", title="case composition", kinds=frozenset({"membership"})),
            Feed(name="console", title="alerts taken", kinds=frozenset({"review"}), explains=CONSOLE),
        )
    }
)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """How one topic must look on the broker. `partitions_fixed` refuses any other number."""

    name: str
    partitions: int
    partitions_fixed: bool
    keep_days: int
    cleanup: Literal["delete", "compact"] = "delete"
    max_bytes: int = 1_048_576  # of a batch, not of a message: the broker's own default

    def config(self) -> dict[str, str]:
        """Topic settings as Kafka names them."""
        keep = FOR_EVER if self.keep_days == FOR_EVER else self.keep_days * DAY_MS
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(keep),
            "retention.bytes": "-1",
            "max.message.bytes": str(self.max_bytes),
            # The broker's clock, not the emitter's: an access dated after its append time is judged at its append time.
            "message.timestamp.type": "LogAppendTime",
        }


ACCESS_KEEP_DAYS: Final = 800
FINDING_KEEP_DAYS: Final = 7 * YEAR_DAYS


@dataclass(frozen=True)
class Topics:
    """The names of all topics under one prefix (empty in production; tests use one each), of these sources."""

    prefix: str = ""
    sources: Mapping[SourceName, Source] = field(default_factory=lambda: SOURCES, hash=False, repr=False)

    def access(self, source: SourceName) -> str:
        """Where this source's accesses go."""
        return f"{self.prefix}access.{source}.v1"

    def feed(self, feed: FeedName) -> str:
        """Where this feed's facts and marks go."""
        return f"{self.prefix}feed.{feed}.v1"

    @property
    def facts(self) -> str:
        """All facts in one order."""
        return f"{self.prefix}facts.v1"

    @property
    def marks(self) -> str:
        """The highest mark of each feed."""
        return f"{self.prefix}marks.v1"

    @property
    def violations(self) -> str:
        """Findings."""
        return f"{self.prefix}violations.v1"

    @property
    def ledger(self) -> str:
        """Cuts."""
        return f"{self.prefix}ledger.v1"

    @property
    def dead_letters(self) -> str:
        """Messages that could not be read, and why."""
        return f"{self.prefix}dead-letter.v1"

    @property
    def letter_acts(self) -> str:
        """What people did about dead letters."""
        return f"{self.prefix}dead-letter-acts.v1"

    @property
    def alert_events(self) -> str:
        """Acts on alerts."""
        return f"{self.prefix}alert-events.v1"

    def accesses(self) -> dict[str, SourceName]:
        """Access topic -> source."""
        return {self.access(name): name for name in self.sources}

    def unregistered(self, names: Iterable[str]) -> tuple[str, ...]:
        """Of these topics those of accesses under our prefix that no source is registered for: nobody reads them."""
        start, known = f"{self.prefix}access.", self.accesses()
        return tuple(sorted(name for name in names if name.startswith(start) and name not in known))

    def feeds(self) -> dict[str, FeedName]:
        """Feed topic -> feed."""
        return {self.feed(name): name for name in FEEDS}

    def all(self) -> tuple[Topic, ...]:
        """Every topic as it must be on the broker."""
        accesses = (
            Topic(name=t, partitions=4, partitions_fixed=False, keep_days=ACCESS_KEEP_DAYS) for t in self.accesses()
        )
        feeds = (Topic(name=t, partitions=1, partitions_fixed=True, keep_days=30) for t in self.feeds())
        return (
            *accesses,
            *feeds,
            # One partition: all knowledge has one order, and "what was known when" is one integer.
            Topic(name=self.facts, partitions=1, partitions_fixed=True, keep_days=FOR_EVER),
            Topic(name=self.marks, partitions=1, partitions_fixed=True, keep_days=FOR_EVER, cleanup="compact"),
            # As many as every worker has read since it began: what lay in one that was added later nobody would know.
            Topic(name=self.violations, partitions=4, partitions_fixed=True, keep_days=FINDING_KEEP_DAYS),
            # Which cut is the last of its partition is told by their order, and so they must lie in one.
            Topic(name=self.ledger, partitions=4, partitions_fixed=True, keep_days=FINDING_KEEP_DAYS),
            # Twice what an access topic takes: a dead letter carries the original bytes and the reason.
            Topic(name=self.dead_letters, partitions=1, partitions_fixed=True, keep_days=400, max_bytes=2 * 1_048_576),
            # For ever: who gave an access up must be known when the letter itself is gone.
            Topic(name=self.letter_acts, partitions=1, partitions_fixed=True, keep_days=FOR_EVER),
            # One partition: all acts have one order and one chain.
            Topic(name=self.alert_events, partitions=1, partitions_fixed=True, keep_days=FINDING_KEEP_DAYS),
        )
