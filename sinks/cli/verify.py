"""`needtoknow verify`: the ledger against the logs."""

from __future__ import annotations

import gc
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import click

from schemas.access import finding_id
from schemas.codec import decode, decode_registered
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredMark
from schemas.finding import Finding
from schemas.ids import LATEST_MS, format_instant
from schemas.ledger import Cut, Note
from schemas.policy import Policy
from schemas.settings import Settings
from sinks.kafka import Broker, Message, admin, offsets_at, read_topic, run
from sinks.ledger.audit import audit
from sinks.ledger.facts_log import Log
from sinks.ledger.logs import Logs, Place, Read, StoredCut
from sinks.ledger.rejudge import Rejudge
from sinks.ledger.replayed import settle_refused
from sinks.ledger.report import Report
from sinks.letter_acts import read_acts
from sinks.letters import Told, told_in
from streams.agents.last_cuts import notes_of
from streams.garbage import collect_seldom
from streams.policies import load_policy
from streams.records import read_safely
from streams.sources import Translators

from .codes import GOOD, NO, NOT_READY
from .options import When, as_json, policy_in, with_broker
from .verify_lines import lines

SAY_SECONDS = 2.0
_ID_START: Final = b'{"finding_id":"'  # as every worker spells it: most are passed over without reading them
_ID: Final = slice(len(_ID_START), len(_ID_START) + len("f_") + 32)

T = TypeVar("T")


@click.command()
@click.option("--since", type=When(), help="Only what was stored since then: 24h, 7d, or 2026-01-05T00:00:00Z.")
@click.option(
    "--policy",
    "policy_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A policy document (TOML) that was in force before; once for each.",
)
@as_json
@with_broker
def verify(broker: Broker, settings: Settings, since: int | None, policy_files: tuple[Path, ...], as_json: bool) -> int:
    """Read all logs again, judge every access again with a second, independent judge, and compare with the ledger.

    Reports holes, counts, verdicts and chains that differ, and what is published otherwise than it must be by now; exit
    0 when nothing does, 1 when something does, 3 when there was nothing to look at. Wait until `needtoknow status` is
    idle: a service at work may be found at fault for what it is about to say, and is held only to what it says that it
    has done: for each partition that lags so, "held to position X of Y".

    The nightly form is --since 24h: every message and every cut that the broker stored since then, all findings about
    them, the chain of the cuts, holes, and whether later facts were brought to them as the ledger says. Its cost goes
    with the day, but for facts and findings, of which all are read. It does not check accesses and cuts of before, nor
    findings about them, also where a fact of today changed what is true of them; nor that the first cut of a worker
    names one that is there. Run it without --since from time to time.

    What was judged under an older policy is judged again under that one: pass the file of each with --policy. One that
    is missing is a difference, named once.

    \b
    Example:
      needtoknow verify --json
      needtoknow verify --since 24h
    """
    if since is not None and since > time.time() * 1000:
        raise click.BadParameter("is still to come", param_hint="--since")
    with _seldom_collecting():
        report = run(_verify(broker, settings, since, [policy_in(path) for path in policy_files]), broker)
    if as_json:
        told = None if since is None else format_instant(since)
        is_verified = report.is_good and not report.is_empty
        click.echo(json.dumps({"verified": is_verified, "since": told, **asdict(report)}, indent=2))
    else:
        click.echo(lines(report, since))
    if not report.is_good:
        return NO
    return NOT_READY if report.is_empty else GOOD


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """What is read stays to the end: looking through it for garbage again and again takes a quarter of reading."""
    before = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _verify(broker: Broker, settings: Settings, since: int | None, others: Sequence[Policy]) -> Report:
    policy = load_policy(settings.policy_file)
    read_safely(settings.unpacked_max_bytes)
    logs, facts = await _read(broker, settings, since)
    judge = Rejudge(policy, facts)
    said = time.monotonic()
    report = Report()
    for report in audit(logs, judge, policy.hash(), others):
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            click.echo(f"verifying: {report.cuts} cuts, {report.accesses} accesses", err=True)
    return report


class _Unreadable(list[str]):
    """Messages on our own topics that are none of ours: a difference each, and no end of looking."""

    def passed(self, what: str, message: Message, read: Callable[[bytes | None], T]) -> T | None:
        """What `read` makes of the message; None when it is not `what` it must be, which is noted."""
        try:
            return read(message.value)
        except RejectedInputError as error:
            self.append(f"{message.topic}/{message.partition}/{message.offset}: is no {what}: {error}")
            return None


async def _read(broker: Broker, settings: Settings, since: int | None) -> tuple[Logs, Log]:
    """The logs in an order in which a busy service is not found at fault for what came meanwhile.

    Marks and the end of the facts first: what they settle is said later. Then the notes of the workers, which claim no
    more than is stored, and the ledger: a cut is stored after its messages, findings and dead letters. Facts last:
    nothing that was said is newer than they are. A service that is behind may still be found at fault for what it is
    about to say.
    """
    topics, first, odd = settings.topics, since or 0, _Unreadable()
    marks = await _marks(broker, topics.marks, odd)
    position = (await offsets_at(broker, topics.facts, LATEST_MS))[0]
    notes = await _notes(broker, settings)
    cuts = await _cuts(broker, topics.ledger, first, odd)
    told = await told_in(broker, topics.dead_letters, await offsets_at(broker, topics.dead_letters, first))
    # Before the messages: what was replayed by now has its copy among them.
    acts = [act async for act in read_acts(broker, topics.letter_acts) if act.letter in told.keys]
    messages, begins = await _messages(broker, settings, first, cuts, told)
    settle_refused(messages, told.keys, acts)
    findings = await _findings(broker, topics.violations, since, messages, odd)
    promised = await _marks(broker, topics.marks, _Unreadable())  # cuts and findings may rest on what came meanwhile
    ends = await _ends(broker, settings)
    facts = [odd.passed("fact", m, decode_registered) async for m in read_topic(broker, topics.facts)]
    logs = Logs(
        messages=messages,
        cuts=cuts,
        findings=findings,
        dead_letters=frozenset(told.keys),
        marks=marks,
        promised=promised,
        indexed_since=int((time.time() - settings.index_days * 86_400) * 1000),
        position=position,
        notes=notes,
        begins=begins,
        ends=ends,
        unreadable=odd,
        sources=settings.sources,
        is_whole=since is None,
    )
    return logs, facts


async def _marks(broker: Broker, topic: str, odd: _Unreadable) -> dict[str, int]:
    """The highest of each feed."""
    marks: dict[str, int] = {}
    async for message in read_topic(broker, topic):
        if (mark := odd.passed("mark", message, partial(decode, RegisteredMark))) is not None:
            marks[mark.feed] = max(mark.complete_through, marks.get(mark.feed, mark.complete_through))
    return marks


async def _notes(broker: Broker, settings: Settings) -> dict[Place, Note]:
    """What the workers wrote where they had nothing under way."""
    async with admin(broker) as client:
        group = await client.list_consumer_group_offsets(settings.group)
    return {(p.topic, p.partition): note for p, note in notes_of(group).items()}


async def _cuts(broker: Broker, topic: str, first: int, odd: _Unreadable) -> dict[Place, list[StoredCut]]:
    """Those stored since `first` (UTC ms)."""
    cuts: defaultdict[Place, list[StoredCut]] = defaultdict(list)
    async for message in read_topic(broker, topic, start=await offsets_at(broker, topic, first)):
        if (cut := odd.passed("cut", message, partial(decode, Cut))) is not None:
            cuts[cut.topic, cut.partition].append(StoredCut(cut, _digest(message.value)))
    return dict(cuts)


async def _ends(broker: Broker, settings: Settings) -> dict[Place, int]:
    """Where each partition of accesses ends now."""
    topics = settings.topics.accesses()
    return {
        (topic, number): end for topic in topics for number, end in (await offsets_at(broker, topic, LATEST_MS)).items()
    }


async def _messages(
    broker: Broker,
    settings: Settings,
    first: int,
    cuts: Mapping[Place, Sequence[StoredCut]],
    told: Told,
) -> tuple[dict[Place, list[Read]], dict[Place, int]]:
    """Messages stored since `first` (UTC ms) and those of all these cuts; and the first offset of each partition read.

    A cut that was stored after the last night, of messages of before, would otherwise be checked in neither.
    """
    found: defaultdict[Place, list[Read]] = defaultdict(list)
    begins: dict[Place, int] = {}
    translators = Translators(settings.topics)
    for topic, source in settings.topics.accesses().items():
        lowest = await offsets_at(broker, topic, 0)
        for partition, begin in (await offsets_at(broker, topic, first)).items():
            reach = [s.cut.first_offset for s in cuts.get((topic, partition), ()) if s.cut.settled is None]
            begins[topic, partition] = max(lowest[partition], min([begin, *reach]))
        start = {partition: begins[topic, partition] for partition in lowest}
        async for message in read_topic(broker, topic, start=start):
            is_aside = told.aside(topic, message.partition, message.offset) is not None
            found[topic, message.partition].append((_aside if is_aside else _translated)(translators, source, message))
    return dict(found), begins


async def _findings(
    broker: Broker, topic: str, since: int | None, messages: Mapping[Place, Sequence[Read]], odd: _Unreadable
) -> list[Finding]:
    """All transitions; those of before `since` (UTC ms) only where they are about an access among these messages."""
    asked = set[bytes]()
    if since is not None:
        asked = {
            finding_id(access, message.appended_at).encode()
            for some in messages.values()
            for message in some
            for access in message.accesses
        }
    found: list[Finding] = []
    async for message in read_topic(broker, topic):
        value, is_new = message.value or b"", since is None or message.timestamp >= since
        if is_new or value[_ID] in asked or not value.startswith(_ID_START):
            noted = odd if is_new else _Unreadable()  # what of before nobody can read was told then
            if (finding := noted.passed("finding", message, partial(decode, Finding))) is not None:
                found.append(finding)
    return found


def _digest(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


def _aside(by: Translators, source: str, message: Message) -> Read:
    return Read(message.offset, message.timestamp, (), "dead_letter", partial(_translated, by, source, message))


def _translated(by: Translators, source: str, message: Message) -> Read:
    try:
        found = by.translate(source, message.value, message.headers, message.timestamp)
    except RejectedInputError:
        return Read(message.offset, message.timestamp, (), "dead_letter")
    kind = "translated" if found.accesses else "control"
    return Read(message.offset, message.timestamp, found.accesses, kind, given=found.given, file=found.file)
