"""`topics apply` on a real broker: creates, checks, puts right, refuses."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics_check import SINGLE_BROKER, Found, compare
from sinks.cli.topics import find
from sinks.kafka import admin, run
from tests.harness.broker import SharedBroker
from tests.integration.cli import Program
from tests.integration.cli import program as make_program


@pytest.fixture
def program(
    kafka: SharedBroker, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program, without topics."""
    return make_program(kafka, namespace, monkeypatch, capsys)


def create(program: Program, name: str, partitions: int, config: Mapping[str, str]) -> None:
    """Creates one topic as somebody else would have."""

    async def work() -> None:
        async with admin(program.broker) as client:
            await client.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(config))])

    run(work(), program.broker)


def change(program: Program, name: str, config: Mapping[str, str]) -> None:
    """Gives a topic exactly these settings of its own, and waits until the broker tells them too."""

    async def work() -> None:
        async with admin(program.broker) as client, asyncio.timeout(program.broker.timeout):
            await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, dict(config))])
            while not _tells((await find(client, [name]))[name], config):  # noqa: ASYNC110 # Kafka has no event for it
                await asyncio.sleep(0.05)

    run(work(), program.broker)


def _tells(described: Found | None, config: Mapping[str, str]) -> bool:
    return described is not None and config.items() <= described.config.items()


def found(program: Program) -> dict[str, Found | None]:
    """All topics as the broker describes them."""

    async def work() -> dict[str, Found | None]:
        async with admin(program.broker) as client:
            return await find(client, (topic.name for topic in program.topics.all()))

    return run(work(), program.broker)


def test_every_topic_is_created_once_and_then_as_it_should_be(program: Program) -> None:
    """What was created is what is asked for."""
    wanted = program.topics.all()
    created = program("topics", "apply", "--single-broker").out.splitlines()
    assert [line.split() for line in created] == [[topic.name, "created"] for topic in wanted]
    described = found(program)
    assert [d for topic in wanted for d in compare(topic, described[topic.name], SINGLE_BROKER)] == []
    again = program("topics", "apply", "--single-broker").out.splitlines()
    assert all(line.endswith(" as it should be") for line in again)
    assert len(again) == len(wanted)


def test_a_cluster_that_is_too_small_is_not_ready(program: Program) -> None:
    """Three copies need three brokers; nothing is created before that is known."""
    answer = program("topics", "apply", code=3)
    assert "--single-broker" in answer.err
    assert program.broker.address in answer.err
    assert not any(found(program).values())


def test_a_facts_topic_with_two_partitions_is_refused(program: Program) -> None:
    """And the others are created all the same."""
    create(program, program.topics.facts, 2, {})
    answer = program("topics", "apply", "--single-broker", code=1)
    lines = {line.split()[0]: line for line in answer.out.splitlines()}
    assert "differs: partitions is 2, must be 1" in lines[program.topics.facts]
    assert lines[program.topics.marks].endswith(" created")
    assert (described := found(program)[program.topics.facts]) is not None
    assert described.partitions == 2


def test_a_changed_cleanup_policy_is_refused(program: Program) -> None:
    """And left as it is: somebody has to look at what is lost."""
    program("topics", "apply", "--single-broker")
    change(program, program.topics.ledger, {"cleanup.policy": "compact"})
    answer = program("topics", "apply", "--single-broker", "--json", code=1)
    (ledger,) = [d for d in answer.documents if d["topic"] == program.topics.ledger]
    assert {"setting": "cleanup.policy", "wanted": "delete", "found": "compact"} in ledger["left"]  # type: ignore[operator]


def test_changed_settings_are_put_right_and_others_kept(program: Program) -> None:
    """Kafka's request resets whatever it does not name, so it names what operations set besides."""
    program("topics", "apply", "--single-broker")
    name = program.topics.access("ecms")
    change(program, name, {"retention.ms": "60000", "segment.ms": "3600000", "min.insync.replicas": "1"})
    answer = program("topics", "apply", "--single-broker")
    (line,) = [line for line in answer.out.splitlines() if line.startswith(name)]
    assert "put right: " in line
    assert "retention.ms was 60000" in line
    described = found(program)[name]
    assert described is not None
    assert (described.config["retention.ms"], described.config["segment.ms"]) == (str(800 * 86_400_000), "3600000")
    assert described.config["message.timestamp.type"] == "LogAppendTime"


def test_runs_at_the_same_time_are_harmless(program: Program) -> None:
    """Every machine of a roll-out may run it."""
    command = [sys.executable, "-m", "sinks.cli.main", "topics", "apply", "--single-broker"]
    environment = os.environ | {"NTK_BROKER": program.broker.address}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert len(out.splitlines()) == len(program.topics.all())
        assert "differs" not in out
