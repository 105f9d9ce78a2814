"""`needtoknow verify`: the ledger against the logs."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from dataclasses import asdict

import click

from schemas.codec import decode, decode_registered
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredFact, RegisteredMark, Waiver
from schemas.finding import Finding
from schemas.ledger import Cut
from schemas.settings import Settings
from sinks.ledger.audit import Report, audit
from sinks.ledger.logs import Logs, Place, Read, StoredCut
from sinks.ledger.rejudge import Rejudge
from streams.policies import load_policy
from streams.sources import translate

from .kafka import Broker, Message, read_topic, run
from .options import as_json, with_broker

SAY_SECONDS = 2.0


@click.command()
@as_json
@with_broker
def verify(broker: Broker, settings: Settings, as_json: bool) -> int:
    """Read all logs again, judge every access again with a second, independent judge, and compare with the ledger.

    Reports holes, counts, verdicts and chains that differ; exit 0 when nothing does, 1 when something does.

    Example: needtoknow verify --json
    """
    report = run(_verify(broker, settings), broker)
    if as_json:
        click.echo(json.dumps({"verified": report.is_good, **asdict(report)}, indent=2))
    else:
        click.echo(_lines(report))
    return 0 if report.is_good else 1


async def _verify(broker: Broker, settings: Settings) -> Report:
    policy = load_policy(settings.policy_file)
    logs, facts = await _read(broker, settings)
    judge = Rejudge(policy, facts)
    said = time.monotonic()
    report = Report()
    for report in audit(logs, judge, policy.hash()):
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            click.echo(f"verifying: {report.cuts} cuts, {report.accesses} accesses", err=True)
    return report


async def _read(broker: Broker, settings: Settings) -> tuple[Logs, list[RegisteredFact | Waiver]]:
    """Each log before those it speaks of, so that a busy service is not found at fault for what came meanwhile.

    Marks and the facts there were first: what they settle is said later. Then the ledger: a cut is stored after its
    findings and dead letters. Facts and messages last: nothing that was said is newer than they are. A service that is
    behind may still be found at fault for what it is about to say: wait until `needtoknow status` is idle.
    """
    topics = settings.topics
    marks: dict[str, int] = {}
    async for message in read_topic(broker, topics.marks):
        mark = decode(RegisteredMark, message.value)
        marks[mark.feed] = max(mark.complete_through, marks.get(mark.feed, mark.complete_through))
    position = sum([1 async for _ in read_topic(broker, topics.facts)])
    cuts: defaultdict[Place, list[StoredCut]] = defaultdict(list)
    async for message in read_topic(broker, topics.ledger):
        cut = decode(Cut, message.value)
        cuts[cut.topic, cut.partition].append(StoredCut(cut, _digest(message.value)))
    findings = [decode(Finding, m.value) async for m in read_topic(broker, topics.violations)]
    dead = frozenset([(m.key or b"").decode() async for m in read_topic(broker, topics.dead_letters)])
    facts = [decode_registered(m.value) async for m in read_topic(broker, topics.facts)]
    messages: defaultdict[Place, list[Read]] = defaultdict(list)
    for topic, source in topics.accesses().items():
        async for message in read_topic(broker, topic):
            messages[topic, message.partition].append(_translated(source, message))
    logs = Logs(
        messages=messages,
        cuts=cuts,
        findings=findings,
        dead_letters=dead,
        marks=marks,
        position=position,
        since=int((time.time() - settings.index_days * 86_400) * 1000),
    )
    return logs, facts


def _digest(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


def _translated(source: str, message: Message) -> Read:
    try:
        found = translate(source, message.value, message.headers, message.timestamp)
    except RejectedInputError:
        return Read(message.offset, message.timestamp, (), "dead_letter")
    return Read(message.offset, message.timestamp, found.accesses, "translated" if found.accesses else "control")


def _lines(report: Report) -> str:
    lines = [
        f"messages: {report.messages}, accesses: {report.accesses}",
        f"cuts: {report.cuts}, settlements: {report.settlements}",
        f"findings that stand: {report.findings}, accesses pending: {report.pending}",
        *([f"{report.past} cuts are of messages past their retention: not derived again"] if report.past else []),
        *report.differences,
        *([f"messages that nobody has judged yet: {report.unjudged}; is a worker running?"] if report.unjudged else []),
        _verdict(report),
    ]
    return "\n".join(lines)


def _verdict(report: Report) -> str:
    if not report.is_good:
        return f"NOT verified: {len(report.differences)} differences"
    return f"verified{' as far as it is judged' if report.unjudged else ''}: nothing differs"
