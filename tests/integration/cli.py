"""The program `needtoknow` as a test calls it: in this process, against the real broker, under a topic prefix."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

import orjson
import pytest

from schemas.topics import Topics
from sinks.cli.main import cli
from sinks.cli.main import run as exit_code
from sinks.kafka import Broker, Message, producer, read_topic, run
from tests.harness.broker import SharedBroker

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Answer:
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, object]]:
        """The lines of JSON it printed."""
        return [orjson.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Program:
    """Calls the program, stores messages and looks at topics."""

    broker: Broker
    topics: Topics
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, code: int = 0) -> Answer:
        """One call, which must end with this exit code."""
        self.capsys.readouterr()
        call = [*arguments, "--broker", self.broker.address, "--timeout", str(self.broker.timeout)]
        got = exit_code(lambda: cli.main(call, prog_name="needtoknow", standalone_mode=False))
        captured = self.capsys.readouterr()
        assert got == code, captured
        assert "Traceback" not in captured.err
        return Answer(got, captured.out, captured.err)

    def messages(self, topic: str) -> list[Message]:
        """All that lies on a topic, in order within each partition."""

        async def read() -> list[Message]:
            async with aclosing(read_topic(self.broker, topic)) as messages:
                return sorted([message async for message in messages], key=lambda m: (m.partition, m.offset))

        return run(read(), self.broker)

    def store(self, topic: str, key: bytes, value: bytes | None, headers: Headers = ()) -> None:
        """Stores one message."""

        async def work() -> None:
            async with producer(self.broker) as client:
                await client.send_and_wait(topic, value, key=key, headers=list(headers))

        run(work(), self.broker)


def program(
    kafka: SharedBroker, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program for one test, its topics not yet created."""
    monkeypatch.setenv("NTK_TOPIC_PREFIX", namespace)
    return Program(Broker(kafka.bootstrap, 30), Topics(namespace), capsys)
