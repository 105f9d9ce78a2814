"""The one real broker of a test run, and names in it that no two tests share."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.jars import JarError, Say
from deploy.local.java import NoJavaError
from deploy.local.kafka import LocalKafka
from tests.harness.parts import require_part

# Of this run, so that two runs on one existing broker stay apart, and the topics of each can be told and deleted.
_RUN = f"t{secrets.token_hex(2)}"
_NUMBERS = count(1)


@dataclass(frozen=True)
class SharedBroker:
    """Where the broker is. It is everybody's: a test that kills or fills one starts its own `LocalKafka`."""

    bootstrap: str


def new_namespace() -> str:
    """Returns a topic prefix, such as "t1a2b3-", that no other test has."""
    return f"{_RUN}{next(_NUMBERS):x}-"


@contextmanager
def shared_broker(data_dir: Path, say: Say, heap: str = "512m") -> Iterator[SharedBroker]:
    """Yields the broker `NTK_TEST_BROKER` names and deletes our topics there afterwards, or starts one of our own.

    `heap`: of one of our own, as Java spells it.
    """
    existing = os.environ.get("NTK_TEST_BROKER")
    if existing:
        yield SharedBroker(existing)
        asyncio.run(_delete_topics(existing, _RUN))
        return
    with _start_or_skip(data_dir, say, heap) as local:
        yield SharedBroker(local.bootstrap)
    shutil.rmtree(data_dir / "data")  # pytest keeps the directories of three runs; the log is small, this is not


def _start_or_skip(data_dir: Path, say: Say, heap: str) -> LocalKafka:
    try:
        return LocalKafka.start(data_dir, say=say, heap=heap)
    except (JarError, NoJavaError) as missing:
        require_part("Kafka", None, str(missing))
        raise


async def _delete_topics(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if names:
            await admin.delete_topics(names)
    finally:
        await admin.close()
