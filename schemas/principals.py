"""Who may do what on the broker (promise 16): from the table of topics, and nowhere else.

Whatever is not said here is denied: by default the broker lets nobody do anything (deploy/kafka).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from .topics import CONSOLE, FEEDS, Topics

Operation = Literal["read", "write", "create", "describe", "describe_configs", "alter_configs"]
"""As Kafka names them. `read` and `write` bring `describe` with them. Nobody has `delete` or `alter`, which is to make
partitions or delete messages: evidence is only added to."""

Resource = Literal["topic", "group"]
"""Nobody may use a transactional id, or the cluster: no message of ours is part of a transaction (ADR 5)."""

Pattern = Literal["literal", "prefixed"]

SOURCE_BYTES: Final = 4 * 1_048_576
"""Bytes a second that a source or feed may send to one broker; Kafka slows down whoever sends more. 4 MiB are 10,000
accesses of 400 bytes: a department's day of all sources in 8 s, and all eight at once no more than a worker judges.
A source that sends without end fills no more than 360 GB a day."""


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A user of the broker: one system, feed or process of ours. `bytes_per_second`: what it may send; None: any."""

    name: str
    title: str
    bytes_per_second: int | None = None


@dataclass(frozen=True, order=True)
class Permission:
    """One thing that one principal may do, with one resource or all whose names begin so."""

    principal: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = "literal"

    def __str__(self) -> str:
        named = self.name if self.pattern == "literal" else f"{self.name}*"
        return f"{self.principal} may {self.operation} {self.resource} {named}"


@dataclass(frozen=True)
class Names:
    """Of the principals of one installation: with its topics' prefix, so that two on one broker stay apart."""

    prefix: str = ""

    def source(self, source: str) -> str:
        """A system that publishes accesses."""
        return f"{self.prefix}source-{source}"

    def feed(self, feed: str) -> str:
        """A system that states facts."""
        return f"{self.prefix}feed-{feed}"

    def ours(self, process: str) -> str:
        """A process of our own."""
        return f"{self.prefix}{process}"

    def is_ours(self, name: str) -> bool:
        """Whether a name is, was or will be one of this installation's."""
        kinds = (f"{self.prefix}source-", f"{self.prefix}feed-")
        return name.startswith(kinds) or name in {self.ours(process) for process in PROCESSES}


PROCESSES: Final = {
    "worker": "registers facts and judges accesses",
    "console": "alerts; of its own accesses and reviews it is the source",
    "receive": "HTTP intake: what systems send that cannot speak Kafka",
    "operator": "commands that look: status, verify, explain, findings, dead-letters",
    "replayer": "dead-letters replay, drop and show --reveal: sends refused messages again, as they came",
    "watch": "what is missing, silent or overdue: reads the ledger and the ends of access topics",
    "prober": "monitoring: how much lies where and what is committed, no message",
    "topics": "topics apply",
}


def principals(topics: Topics) -> tuple[Principal, ...]:
    """All users that the broker must know, beside those who run it."""
    names = Names(topics.prefix)
    of_all = SOURCE_BYTES * (len(topics.sources) - 1)  # of whoever speaks for all systems but the console
    return (
        *(
            Principal(name=names.source(s.name), title=s.title, bytes_per_second=SOURCE_BYTES)
            for s in topics.sources.values()
            if s.name != CONSOLE
        ),
        *(
            Principal(name=names.feed(f.name), title=f.title, bytes_per_second=SOURCE_BYTES)
            for f in FEEDS.values()
            if f.name != CONSOLE
        ),
        *(
            Principal(name=names.ours(name), title=title, bytes_per_second=of_all if name == "receive" else None)
            for name, title in PROCESSES.items()
        ),
    )


def permissions(topics: Topics, group: str) -> tuple[Permission, ...]:
    """All that anybody may do, sorted; `group` is that of the workers."""
    return tuple(sorted(set(_granted(topics, group))))


def _granted(topics: Topics, group: str) -> Iterator[Permission]:
    names, accesses = Names(topics.prefix), topics.accesses()
    external = {topic: source for topic, source in accesses.items() if source != CONSOLE}
    for topic, source in external.items():
        yield Permission(names.source(source), "write", "topic", topic)
        yield Permission(names.ours("receive"), "write", "topic", topic)
    for topic, feed in topics.feeds().items():
        if feed != CONSOLE:
            yield Permission(names.feed(feed), "write", "topic", topic)
    yield from _worker(names.ours("worker"), topics, group)
    yield from _console(names.ours("console"), topics)
    read = {*accesses, topics.facts, topics.marks, topics.violations, topics.ledger, topics.dead_letters}
    for name in ("operator", "replayer"):
        yield from _may(names.ours(name), "read", {*read, topics.alert_events, topics.letter_acts})
    yield from _may(names.ours("watch"), "read", {*accesses, topics.ledger})
    # Not to feeds: whoever could would make up duties. A refused fact is stated again by the system whose it is.
    yield from _may(names.ours("replayer"), "write", {*external, topics.letter_acts})
    for name in ("operator", "replayer", "prober", "console"):
        yield from _may(names.ours(name), "describe", {topic.name for topic in topics.all()})
        yield Permission(names.ours(name), "describe", "group", group)
    for name in ("operator", "replayer", "prober", "console", "worker", "receive"):
        # A topic of a source that nobody registered must be seen, or nobody would be told of it.
        yield Permission(names.ours(name), "describe", "topic", f"{topics.prefix}access.", "prefixed")
    for operation in ("create", "describe", "describe_configs", "alter_configs"):
        yield from _may(names.ours("topics"), operation, {topic.name for topic in topics.all()})


def _worker(name: str, topics: Topics, group: str) -> Iterator[Permission]:
    own = {topics.facts, topics.marks, topics.violations, topics.ledger}
    yield from _may(name, "read", {*topics.accesses(), *topics.feeds(), *own})
    yield from _may(name, "write", {*own, topics.dead_letters})
    yield Permission(name, "read", "group", group)
    for topic in topics.all():  # it does not start when one is not as it must be
        yield Permission(name, "describe", "topic", topic.name)
        yield Permission(name, "describe_configs", "topic", topic.name)


def _console(name: str, topics: Topics) -> Iterator[Permission]:
    own = {topics.facts, topics.marks, topics.violations, topics.ledger, topics.dead_letters, topics.alert_events}
    yield from _may(name, "read", {*topics.accesses(), *own})
    yield from _may(name, "write", {topics.alert_events, topics.access(CONSOLE), topics.feed(CONSOLE)})


def _may(name: str, operation: Operation, topics: set[str]) -> Iterator[Permission]:
    for topic in topics:
        yield Permission(name, operation, "topic", topic)
