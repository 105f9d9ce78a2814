"""The demonstration: everything real, started by one command, stopped by Ctrl-C, compared with the ground truth."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka import TopicPartition

from deploy.local.alerts import USERS, feeds_that_go_on, findings_in_alerts, start_console
from deploy.local.jars import JarError
from deploy.local.java import NoJavaError
from deploy.local.kafka import LocalKafka
from deploy.local.ports import PortError
from deploy.local.program import ProgramError
from deploy.local.prometheus import HOW_TO_GET, LocalPrometheus, find_prometheus
from deploy.local.service import Service, ServiceError, Worker
from schemas.codec import decode
from schemas.finding import Finding
from schemas.settings import Settings
from schemas.topics import Topics
from sinks.cli.lines import finding_line
from sinks.joined import Joined
from sinks.kafka import Broker, consumer, partitions
from streams.policies import load_policy
from tests.harness.department import make_day
from tests.harness.department_plan import ACCESSES_MIN
from tests.harness.outcome import Outcome, compare, count, read_findings
from tests.harness.player import play
from tests.harness.steps import Expected, Step

WORKERS: Final = 2
IDLE_SECONDS: Final = 120  # for the workers to read, register, judge and settle what was sent
REMEMBERED: Final = 100_000


@dataclass(frozen=True)
class Plan:
    """What will be played, and what must come of it."""

    steps: tuple[Step, ...]
    expected: Expected


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code is 0 when everything came out as it must."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us in the background has it ignored
    directory = Path(tempfile.mkdtemp(prefix="needtoknow-demo-"))
    is_good = False
    try:
        with ExitStack() as stack:
            is_good = _demo(options, directory, stack)
        if not options.once:
            _say("stopped")
    except KeyboardInterrupt:
        _say("stopped")
        return 130
    except (JarError, NoJavaError, PortError, ProgramError, ServiceError) as error:
        _say(f"could not go on: {error}")
        return 3
    finally:
        if is_good or options.discard:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            _say(f"logs are kept in {directory}")
    return 0 if is_good else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy/demo",
        description="Starts a real Kafka, two workers, a watch, a console and, where it is installed, Prometheus; "
        "plays a synthetic department's day through them; prints each finding as it appears; compares with the "
        "ground truth.",
    )
    parser.add_argument("--once", action="store_true", help="end by itself after the day, with a summary")
    parser.add_argument("--seed", type=int, default=7, help="which day (default 7)")
    parser.add_argument("--seconds", type=float, default=45, help="how long the day takes to play (default 45)")
    parser.add_argument(
        "--accesses", type=_day_size, default=3000, help=f"accesses in the day (default 3000, at least {ACCESSES_MIN})"
    )
    parser.add_argument("--broker", help="use this Kafka, host:port, instead of starting one (or NTK_BROKER)")
    parser.add_argument("--discard", action="store_true", help="delete the logs also when something went wrong")
    return parser.parse_args(arguments)


def _day_size(text: str) -> int:
    if (accesses := int(text)) < ACCESSES_MIN:
        raise argparse.ArgumentTypeError(f"must be {ACCESSES_MIN} at least")
    return accesses


def _demo(options: argparse.Namespace, directory: Path, stack: ExitStack) -> bool:
    plans: list[Plan] = []
    thinking = threading.Thread(target=lambda: plans.append(_plan(options.seed, options.accesses)))
    thinking.start()  # the day and its truth are made while Kafka starts
    broker, prefix = _broker(options, directory, stack)
    service = Service(broker, directory, prefix=prefix, settings=_registry(), say=_say)
    stack.callback(service.stop)
    with _step("topics"):
        service.apply_topics()
    with _step(f"{WORKERS} workers"):
        service.start_workers(WORKERS)
    with _step("watch"):
        service.start_watch()
    with _step("console"):
        console = start_console(service)
    _say_where(console, is_once=options.once)
    has_pages = _prometheus(service, directory, stack)
    thinking.join()
    plan = plans[0]
    _say(
        f"playing the day of seed {options.seed}: {len(plan.steps)} messages in about "
        f"{options.seconds:.0f} s; findings appear below"
    )
    outcome = asyncio.run(_play(service, plan, options.seconds))
    is_good = _summary(service, plan, outcome)
    if not options.once:
        with contextlib.suppress(KeyboardInterrupt), feeds_that_go_on(service):  # the way to end it, and no fault
            _say_what_now(service, console, has_pages=has_pages)
            signal.pause()
        _say("stopping")
    return is_good


def _say_where(console: Worker, *, is_once: bool) -> None:
    _say(f"console: http://{console.address}/")
    _say(f"sign in as {', '.join(f'{login} ({role})' for login, role in USERS.items())}; no password")
    if not is_once:
        _say("look on while it fills; take, close, reveal and search when the day is over: the summary counts them")


def _registry() -> dict[str, str]:
    """Systems that somebody wants to try it with: every process must know them."""
    named = os.environ.get("NTK_SOURCES_FILE")
    return {"NTK_SOURCES_FILE": str(Path(named).resolve())} if named else {}


def _say_what_now(service: Service, console: Worker, *, has_pages: bool) -> None:
    _say(f"console: http://{console.address}/; the same from a terminal:")
    _say(f"  NTK_CONSOLE_URL=http://{console.address} .venv/bin/needtoknow alerts sign-in ana")
    ours = {"NTK_BROKER": service.bootstrap, "NTK_WATCH_URL": service.settings["NTK_WATCH_URL"], **_registry()}
    ours |= {"NTK_TOPIC_PREFIX": service.prefix, "NTK_GROUP": f"{service.prefix}needtoknow"} if service.prefix else {}
    spelled = " ".join(f"{name}={value}" for name, value in ours.items())
    _say(f"  {spelled} .venv/bin/needtoknow status   (also: findings tail --follow, explain f_...)")
    if has_pages:
        _say("pages like BrokenMarks, CriticalAlertWaiting and SourceOverdue fire on purpose: bad data were played, of")
        _say("a day long ago, and nobody acts")
    _say("everything goes on running; look around, and end it with Ctrl-C")


def _plan(seed: int, accesses: int) -> Plan:
    day = make_day(seed, accesses=accesses)
    return Plan(day.steps, day.expected(load_policy()))


def _broker(options: argparse.Namespace, directory: Path, stack: ExitStack) -> tuple[str, str]:
    """Address and topic prefix: a Kafka of our own has no prefix, on somebody else's we keep to ourselves."""
    given = options.broker or (Settings().broker if "NTK_BROKER" in os.environ else None)
    if given:
        return given, f"demo{secrets.token_hex(3)}-"
    with _step("Kafka"):
        kafka = stack.enter_context(LocalKafka.start(directory / "kafka", say=_say))
    _say(f"Kafka answers at {kafka.bootstrap}")
    return kafka.bootstrap, ""


def _prometheus(service: Service, directory: Path, stack: ExitStack) -> bool:
    """Whether there is one, to fire pages."""
    if find_prometheus() is None:
        _say(f"no dashboard: {HOW_TO_GET}")
        return False
    targets = [worker.address for worker in service.workers]
    more = {"consoles": [one.address for one in service.consoles], "watches": [one.address for one in service.watches]}
    prometheus = stack.enter_context(LocalPrometheus(targets, directory / "prometheus", **more, say=_say))
    _say(f"dashboard: {prometheus.console_url}")
    return True


async def _play(service: Service, plan: Plan, seconds: float) -> Outcome:
    topics = Topics(service.prefix)
    showing = asyncio.create_task(_show(service.bootstrap, topics))
    try:
        await play(service.bootstrap, topics, plan.steps, seconds=seconds)
        with _step("the day is over; judging the rest of it"):
            await asyncio.to_thread(_wait_idle, service)
        return compare(plan.expected, await read_findings(service.bootstrap, topics))
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


def _wait_idle(service: Service) -> None:
    status = service.document("status", "--json", "--wait-idle", str(IDLE_SECONDS), timeout=IDLE_SECONDS + 60)
    if not status["idle"]:
        raise ServiceError(f"not idle after {IDLE_SECONDS} s: {status['why_not_idle']}")


async def _show(bootstrap: str, topics: Topics) -> None:
    """Print each finding as it comes."""
    broker = Broker(bootstrap, 30)
    counts = await partitions(broker, [topics.violations])
    state = Joined(REMEMBERED)
    async with consumer(broker) as reader:
        reader.assign([TopicPartition(topics.violations, n) for n in range(counts[topics.violations])])
        while True:
            for messages in (await reader.getmany(timeout_ms=500)).values():
                for message in messages:
                    after, spoken = state.add(decode(Finding, message.value))
                    if spoken in ("raised", "withdrawn", "reinstated"):
                        print(finding_line(after, spoken), flush=True)


def _summary(service: Service, plan: Plan, outcome: Outcome) -> bool:
    topics, expected = Topics(service.prefix), plan.expected
    with _step("verifying the ledger, judging everything again"):
        report = service.document("verify", "--json", timeout=600)
    letters = asyncio.run(count(service.bootstrap, topics.dead_letters))
    due = expected.dead_letters + expected.conflicts
    sent = sum(expected.messages.values())
    in_alerts, alerts = findings_in_alerts(service, len(outcome.standing))
    lines = [
        f"messages      {sent} sent: {expected.messages['access']} of accesses, {expected.messages['feed']} of feeds",
        f"accesses      {report['accesses']} judged, {sum(expected.accesses.values())} due",
        f"findings      {len(outcome.standing)} stand, {len(expected.findings)} due",
        f"alerts        {alerts} open, with {in_alerts} findings",
        f"false         {len(outcome.false)}",
        f"missed        {len(outcome.missed)}",
        f"other verdict {len(outcome.wrong)}",
        f"dead letters  {letters}, {due} due",
        f"ledger        {_ledger(report)}",
    ]
    is_good = (
        outcome.is_right
        and letters == due
        and report["verified"]
        and report["unjudged"] == 0
        and in_alerts == len(outcome.standing)
        and report["accesses"] == sum(expected.accesses.values())
    )
    print("\n" + "\n".join(lines))
    print("everything as it must be" if is_good else "NOT as it must be", flush=True)
    return bool(is_good)


def _ledger(report: dict[str, Any]) -> str:
    if report["verified"]:
        return f"verified: {report['cuts']} cuts, {report['settlements']} settlements, {report['messages']} messages"
    return f"NOT verified: {len(report['differences'])} differences, first: {report['differences'][0]}"


_BEGAN: Final = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _BEGAN:5.1f} s] {line}", flush=True)


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    _say(f"{what}: starting")
    began = time.monotonic()
    yield
    _say(f"{what}: done after {time.monotonic() - began:.1f} s")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
