#!/usr/bin/python3
"""Stores what rsyslog hands over on a Kafka topic, and says OK once the broker has it (omprog's confirmMessages).

    rsyslog_to_kafka.py --topic access.ecms.v1 --content-type text/vnd.needtoknow.ecms-syslog.v1 --settings FILE

For Debian's own Python and its python3-confluent-kafka, and nothing else: it is copied to a host that has no more. A
line of input is one message as rsyslog writes a text in JSON; a line of output is OK, or why it is not stored, and
then rsyslog keeps the message and tries again. `--settings` are librdkafka's, one name=value a line.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException, Message, Producer

# Whoever runs this may set all else, these not: each of them would lose a message, store it twice or elsewhere.
FIXED = {
    "acks": "all",
    "enable.idempotence": "true",
    "partitioner": "murmur2_random",  # Java's: a record's accesses meet in one partition, whoever sends them
    "linger.ms": "0",  # one message is under way at a time, nothing can be waited for
}
DEFAULTS = {
    "client.id": "needtoknow-rsyslog",
    # Then rsyslog is told, which waits and tries again. Less than its confirmTimeout, after which it would kill us.
    "message.timeout.ms": "20000",
    "reconnect.backoff.max.ms": "1000",  # a broker that is back is not kept waiting for the default ten seconds
    "log_level": "4",
}
_VALUE = rb'((?:[^"\\\]]|\\["\\\]]?+)*+)'
_ELEMENT = re.compile(rb'\[access@32473((?: [^ ="\]]+="(?:[^"\\\]]|\\["\\\]]?+)*+")*+)')
_RECORD, _ID = (re.compile(b" " + name + b'="' + _VALUE + b'"') for name in (b"record", b"id"))


def value_of(line: bytes) -> bytes:
    """The message's own bytes. rsyslog escapes what JSON wants escaped and leaves every other byte as it is."""
    try:
        return json.loads(line.decode("latin-1"), strict=False).encode("latin-1")
    except (ValueError, AttributeError):  # not what we asked for: better a dead letter than a queue that stands still
        return line.rstrip(b"\n")


def key_of(value: bytes) -> bytes:
    """The record's id, else the access's, else a digest: what `needtoknow send` takes, too, and the same each time."""
    element = _ELEMENT.search(value)
    for pattern in (_RECORD, _ID):
        found = pattern.search(element[1]) if element else None
        if found and found[1]:
            return re.sub(rb'\\(["\\\]])', rb"\1", found[1])
    return b"ecms-line-" + hashlib.sha256(value).hexdigest()[:32].encode()


def read_settings(file: Path) -> dict[str, str]:
    """Names and values; lines that are empty or begin with # say nothing. Raises ValueError naming the line."""
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or name.strip() in FIXED:
            raise ValueError(f"{file}, line {number}: must be name=value, and none of {', '.join(FIXED)}")
        found[name.strip()] = value.strip()
    return found


class Topic:
    """Where messages go, one after the other."""

    def __init__(self, name: str, content_type: str, settings: dict[str, str]) -> None:
        self._name = name
        self._headers = [("content-type", content_type.encode())]
        self._producer = Producer({**DEFAULTS, **settings, **FIXED})
        self._answer: str | None = None
        self.is_broken = False  # librdkafka never mends an error that it calls fatal: somebody must begin anew

    def store(self, value: bytes) -> str:
        """OK once it is stored; else why not, in words that name no data."""
        self._answer = None
        try:
            self._producer.produce(self._name, value, key_of(value), headers=self._headers, on_delivery=self._delivered)
            while self._answer is None:
                self._producer.poll(1.0)  # bounded by message.timeout.ms
        except KafkaException as error:
            self._delivered(error.args[0], None)
        except BufferError:
            self._answer = "not stored: BufferError"
        return self._answer

    def _delivered(self, error: KafkaError | None, _message: Message | None) -> None:
        self._answer = "OK" if error is None else f"not stored: {error.name()}"
        self.is_broken = self.is_broken or (error is not None and error.fatal())


def main() -> int:
    """Until rsyslog closes its end. 2: used wrongly, and the reason on stderr. 1: rsyslog starts it again."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--topic", required=True)
    parser.add_argument("--content-type", required=True)
    parser.add_argument("--settings", required=True, type=Path)
    given = parser.parse_args()
    try:
        topic = Topic(given.topic, given.content_type, read_settings(given.settings))
    except (OSError, ValueError, KafkaException) as error:
        print(f"rsyslog_to_kafka: {error}", file=sys.stderr)
        return 2
    print("OK", flush=True)  # ready
    for line in sys.stdin.buffer:
        if not line.endswith(b"\n"):
            break  # rsyslog ended in the middle of it, and will hand it over again
        print(topic.store(value_of(line)), flush=True)
        if topic.is_broken:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
