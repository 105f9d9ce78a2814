"""`python -m tests.harness.principals`: every principal tries everything on every topic of a real, secured broker."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

from deploy.kafka.__main__ import cli as secure
from deploy.kafka.table import cells, drawn
from schemas.principals import Operation, permissions, principals
from schemas.topics import Topics
from sinks.cli.main import cli
from sinks.cli.main import run as exit_code
from tests.harness.attempts import ON_TOPICS, beside_topics, on_topics
from tests.harness.secured import ADMIN, Secured, secured_broker

GROUP: Final = "needtoknow"
Pair = tuple[str, str]
Could = dict[Pair, set[str]]


@dataclass(frozen=True)
class Said:
    """What a program came to."""

    code: int
    out: str
    err: str


def call(broker: Secured, name: str, program: str, *arguments: str, **settings: str) -> Said:
    """`needtoknow` or `deploy.kafka` in this process, as this principal: with its file, and these settings on top."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NTK_")}
    ours = {"NTK_SETTINGS_FILE": str(broker.file(name)), **settings}
    command = {"needtoknow": cli, "deploy.kafka": secure}[program]
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, {**kept, **ours}, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = exit_code(lambda: command.main(list(arguments), prog_name=program, standalone_mode=False))
    return Said(code, out.getvalue(), err.getvalue())


def secure_topics(broker: Secured, prefix: str) -> None:
    """Users, rules and topics of one installation: made by our own commands, topics by their own principal."""
    ours = {"NTK_TOPIC_PREFIX": prefix, "NTK_GROUP": f"{prefix}{GROUP}"}
    secured = call(broker, ADMIN, "deploy.kafka", "apply", "--credentials", str(broker.credentials), **ours)
    assert secured.code == 0, secured
    topics = call(broker, f"{prefix}topics", "needtoknow", "topics", "apply", "--single-broker", **ours)
    assert topics.code == 0, topics


def expected(prefix: str) -> Could:
    """What the table lets each do, with what Kafka lets whoever may do something do besides."""
    topics = Topics(prefix)
    could: Could = {(p.name, t.name): set() for p in principals(topics) for t in topics.all()}
    for (name, topic), may in cells(topics, f"{prefix}{GROUP}").items():
        could[name, topic] = {*may, *(("describe",) if may & {"read", "write"} else ())}
    return could


def tried(broker: Secured, prefix: str) -> Could:
    """What each really could."""
    topics = Topics(prefix)
    names = [topic.name for topic in topics.all()]
    found: Could = {}
    for principal in principals(topics):
        done = asyncio.run(on_topics(broker.settings(principal.name), names))
        found |= {(principal.name, topic): could for topic, could in done.items()}
    return found


def tried_beside(broker: Secured, prefix: str) -> dict[str, set[str]]:
    """The same, of the group and of what protects topics."""
    names = [principal.name for principal in principals(Topics(prefix))]
    return {name: asyncio.run(beside_topics(broker.settings(name), f"{prefix}{GROUP}")) for name in names}


def expected_beside(prefix: str) -> dict[str, set[str]]:
    """Workers join their group, some look at it, and nobody does anything else."""
    found: dict[str, set[str]] = {principal.name: set() for principal in principals(Topics(prefix))}
    for one in permissions(Topics(prefix), f"{prefix}{GROUP}"):
        if one.resource == "group":
            found[one.principal] |= {"join", "see group"} if one.operation == "read" else {"see group"}
    return found


def main() -> int:
    """Prints what each could, and how many attempts that took; exit code 1 when it is not what the table says."""
    with tempfile.TemporaryDirectory() as directory, secured_broker(Path(directory), _say) as broker:
        secure_topics(broker, "")
        found, beside = tried(broker, ""), tried_beside(broker, "")
    due = expected("")
    shown: dict[Pair, set[Operation]] = {}
    for pair, could in found.items():
        hidden = {"describe"} if could & {"read", "write"} else set()
        shown[pair] = could - hidden  # type: ignore[assignment] # whatever it could, also what the table has no word for
    for line in drawn(Topics(), shown):
        print(line)
    wrong = sorted((*pair, attempt) for pair in due for attempt in due[pair] ^ found[pair])
    wrong += sorted((name, "", attempt) for name in beside for attempt in expected_beside("")[name] ^ beside[name])
    for name, topic, attempt in wrong:
        print(f"WRONG: {name} {attempt} {topic}")
    done = sum(len(could) for could in found.values())
    tries = len(due) * len(ON_TOPICS)
    print(
        f"{len(due)} pairs, {tries} attempts: {done} done, {tries - done} refused, {len(wrong)} not as the table says"
    )
    others = sum(map(len, beside.values()))
    print(f"{len(beside)} principals on groups, transactions, rules, users and quotas: {others} done")
    return 1 if wrong else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
