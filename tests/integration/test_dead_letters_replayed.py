"""Replayed letters in a service with workers: each access is judged, and found once, however often it is sent."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from aiokafka import AIOKafkaProducer

from schemas.access import finding_id
from schemas.codec import encode
from sinks.kafka import Broker, producer, run
from tests.faults.harness import Running
from tests.harness.builders import assignment, make_access
from tests.integration.tale import Tale


def set_aside(service: Running, *letters: tuple[str, bytes]) -> None:
    """Dead letters as a worker of before wrote them: the place of the message, and its bytes."""

    async def write(client: AIOKafkaProducer) -> None:
        for name, value in letters:
            words = zip(("topic", "partition", "offset"), name.rsplit("/", 2), strict=True)
            why = {**dict(words), "stage": "translate", "message": "actor: must be there"}
            headers = [(f"needtoknow.errors.{word}", text.encode()) for word, text in why.items()]
            await client.send_and_wait(service.topics.dead_letters, value, key=name.encode(), headers=headers)

    async def work() -> None:
        async with producer(broker) as client:
            await write(client)

    broker = Broker(service.service.bootstrap, 30)
    run(work(), broker)


def replayed_by(service: Running, *names: str) -> list[int]:
    """The exit codes of as many people who replay all of it at the same time."""
    command = [sys.executable, "-m", "sinks.cli.main", "dead-letters", "replay", "--source", "ecms", "--by"]
    at_once = [
        subprocess.Popen([*command, name], env=service.service.environment(), stdout=subprocess.DEVNULL)
        for name in names
    ]
    try:
        return [process.wait(timeout=100) for process in at_once]
    finally:
        for process in at_once:
            process.kill()


def test_what_two_people_replay_at_once_is_found_once(service: Running, tale: Tale) -> None:
    """And once more on purpose: one finding for each access of the snooper, none for who did their job."""
    worker, snoop, case = tale.hires("w"), tale.hires("snoop"), tale.name("case:c")
    tale.learn(assignment(worker, case, **tale.fields()))
    tale.ends()
    tale.play()
    accesses = [
        make_access(f"login.{who}", "view", case, tale.at("14:00"), event_id=f"e{n}-{who}")
        for n in range(30)
        for who in (snoop, worker)
    ]
    topic = service.topics.access("ecms")
    set_aside(service, *((f"{topic}/0/{10_000 + n}", encode(one)) for n, one in enumerate(accesses)))
    assert service.document("dead-letters", "replay", "--source", "ecms", "--dry-run")["replayed"] == len(accesses)
    assert replayed_by(service, "ana", "ben") == [0, 0]
    assert service.document("dead-letters", "replay", "--source", "ecms", "--again", "--limit", "3")["replayed"] == 3
    sent = [m.value for m in service.messages(topic)]
    assert set(sent) == {encode(one) for one in accesses}
    assert len(sent) >= len(accesses) + 3
    service.wait_idle()
    due = {finding_id(one) for one in accesses if one.actor == f"login.{snoop}"}
    findings = service.findings()
    assert {finding.finding_id for finding in findings} == due
    assert Counter((f.finding_id, f.position, f.transition) for f in findings).most_common(1)[0][1] == 1
    assert service.verify()["differences"] == []
    assert service.command("dead-letters", "list")[1] == "no dead letters\n"
