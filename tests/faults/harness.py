"""A service under test: played to, waited for, compared with the truth, and put through faults."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from aiokafka import TopicPartition

from deploy.local.service import Service
from schemas.codec import decode
from schemas.fact import RegisteredFact
from schemas.finding import Finding
from schemas.topics import Topics
from sinks.cli.main import cli
from sinks.cli.main import run as exit_code
from sinks.joined import Joined
from sinks.kafka import Broker, Message, consumer, read_topic
from streams.policies import load_policy
from tests.harness.department import make_day
from tests.harness.department_plan import DAY_START, HOUR
from tests.harness.outcome import Outcome, compare, read_findings
from tests.harness.player import play
from tests.harness.steps import Expected, Step

IDLE_SECONDS: Final = 60.0  # to read, register, judge and settle what was sent, an outage of one worker included
BROKER_SECONDS: Final = 30.0
PAUSE: Final = 0.05
QUICK: Final = {"NTK_COMMIT_INTERVAL_SECONDS": "0.1"}
"""Commits tell `status` how far the workers are, so a test that waits for them wants them often."""
SESSION: Final = "6" if os.environ.get("NTK_TEST_BROKER") else "3"
FAULTY: Final = {**QUICK, "NTK_SESSION_TIMEOUT_SECONDS": SESSION}
"""Until then nobody reads what a killed worker held. Brokers of our own take less than six seconds, others do not."""


@dataclass(frozen=True)
class Running:
    """A service whose topics exist, and what a test asks of it."""

    service: Service

    @property
    def topics(self) -> Topics:
        """The names of its topics."""
        return Topics(self.service.prefix)

    def command(self, *arguments: str) -> tuple[int, str, str]:
        """`needtoknow` in this process, which starts in no time: exit code, what it printed, what it complained of."""
        out, err = io.StringIO(), io.StringIO()
        ours = patch.dict(os.environ, self.service.environment(), clear=True)
        with ours, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = exit_code(lambda: cli.main(list(arguments), prog_name="needtoknow", standalone_mode=False))
        return code, out.getvalue(), err.getvalue()

    def document(self, *arguments: str) -> Any:
        """The JSON document that a command prints."""
        code, out, err = self.command(*arguments, "--json")
        assert out, f"needtoknow {' '.join(arguments)} ended with {code}: {err}"
        return json.loads(out)

    def play(self, steps: Sequence[Step], seconds: float = 0.0) -> None:
        """Send these steps, in order."""
        asyncio.run(play(self.service.bootstrap, self.topics, steps, seconds=seconds))

    def end(self, topic: str) -> int:
        """The next offset of a topic with one partition."""

        async def ask() -> int:
            async with consumer(Broker(self.service.bootstrap, BROKER_SECONDS)) as client:
                place = TopicPartition(topic, 0)
                return int((await client.end_offsets([place]))[place])

        return asyncio.run(ask())

    def wait_idle(self, seconds: float = IDLE_SECONDS) -> dict[str, Any]:
        """Wait until all that was sent is judged with all that is known; what `status` says then."""
        status: dict[str, Any] = self.document("status", "--wait-idle", str(seconds))
        assert status["idle"], f"not idle after {seconds:.0f} s: {status['why_not_idle']}"
        return status

    def findings(self) -> list[Finding]:
        """Every transition there is."""
        return asyncio.run(read_findings(self.service.bootstrap, self.topics))

    def messages(self, topic: str) -> list[Message]:
        """All that lies on a topic."""

        async def read() -> list[Message]:
            return [m async for m in read_topic(Broker(self.service.bootstrap, BROKER_SECONDS), topic)]

        return asyncio.run(read())

    def letters(self) -> dict[str, Message]:
        """The dead letters by their key, each once."""
        return {(m.key or b"").decode(): m for m in self.messages(self.topics.dead_letters)}

    def verify(self) -> dict[str, Any]:
        """What the audit of the ledger says."""
        report: dict[str, Any] = self.document("verify")
        return report


@contextmanager
def running(bootstrap: str, directory: Path, prefix: str, **settings: str) -> Iterator[Running]:
    """A service with its topics and no worker yet; every worker is stopped at the end."""
    service = Service(bootstrap, directory, prefix=prefix, settings={**QUICK, **settings})
    one = Running(service)
    try:
        code, _, complaint = one.command("topics", "apply", "--single-broker")
        assert code == 0, complaint
        yield one
    finally:
        service.stop()


def until(is_so: Callable[[], object], what: str, seconds: float = IDLE_SECONDS) -> float:
    """Look again and again until it is so; how many seconds that took. Fails after `seconds`."""
    began = time.monotonic()
    while not is_so():
        waited = time.monotonic() - began
        assert waited < seconds, f"after {waited:.0f} s: {what}"
        time.sleep(PAUSE)
    return time.monotonic() - began


# a day in slices


@dataclass(frozen=True)
class Slices:
    """A day cut into pieces. The first is what is known beforehand."""

    pieces: tuple[tuple[Step, ...], ...]
    expected: Expected


SLICE: Final = 2 * HOUR  # of the virtual day


def sliced_day(seed: int, *, accesses: int = 400) -> Slices:
    """The day of `seed`. Each piece begins with marks and has no others: what is not explained waits for the next."""
    day = make_day(seed, accesses=accesses, mark_every_seconds=SLICE // 1000)
    pieces: dict[int, list[Step]] = {}
    for step in day.steps:
        pieces.setdefault(max(-1, (step.at_ms - DAY_START) // SLICE), []).append(step)
    ordered = tuple(tuple(pieces[number]) for number in sorted(pieces))
    return Slices(ordered, day.expected(load_policy()))


def play_sliced(one: Running, day: Slices, *, seconds: float) -> None:
    """Play the day, each piece over `seconds`."""
    for piece in day.pieces:
        one.play(piece, seconds=seconds)
    one.wait_idle()


@dataclass(frozen=True)
class Checked:
    """What a service under test came to, against the truth."""

    outcome: Outcome
    letters: int
    due_letters: int
    repeats: int
    report: dict[str, Any]
    due_accesses: int

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost, nothing invented, and the ledger tells it as it was."""
        return not self.faults()

    def faults(self) -> list[str]:
        """Everything that is not as it must be."""
        report = self.report
        found = [
            (self.outcome.missed, "lost"),
            (self.outcome.false, "invented"),
            (self.outcome.wrong, "other verdict"),
            (report["differences"], "ledger"),
            (report["unjudged"], "messages in no cut"),
            (report["pending"], "pending in the ledger"),
            (report["partly"], "not claimed to be reconciled"),
        ]
        faults = [f"{what}: {value}" for value, what in found if value]
        if self.letters != self.due_letters:
            faults.append(f"dead letters: {self.letters}, {self.due_letters} due")
        if report["accesses"] != self.due_accesses:
            faults.append(f"accesses: {report['accesses']}, {self.due_accesses} due")
        return faults


def check(one: Running, expected: Expected) -> Checked:
    """Compare everything that was published with what must be, once the service is idle."""
    transitions = one.findings()
    return Checked(
        outcome=compare(expected, transitions),
        letters=told(one.letters()),
        due_letters=expected.dead_letters + expected.conflicts,
        repeats=repeats(transitions),
        report=one.verify(),
        due_accesses=sum(expected.accesses.values()),
    )


def told(letters: Mapping[str, Message]) -> int:
    """How many different things dead letters say. A fact that was registered twice contradicts another one twice."""
    return len({_about(key, letter) for key, letter in letters.items()})


def _about(key: str, letter: Message) -> str:
    if ("needtoknow.errors.stage", b"conflict") not in letter.headers:
        return key
    fact = decode(RegisteredFact, letter.value)
    return fact.model_dump_json(exclude={"known_from"})  # register's stamp may differ when it is registered again


def repeats(transitions: Iterable[Finding]) -> int:
    """How many transitions said nothing that had not been said of the same finding before."""
    state = Joined(limit=1_000_000)
    return sum(state.add(transition)[1] is None for transition in transitions)
