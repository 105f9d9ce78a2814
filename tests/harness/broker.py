"""The one real broker of a test run, and names in it that no two tests share."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.jars import JarError, Say
from deploy.local.java import NoJavaError
from deploy.local.kafka import LocalKafka
from deploy.local.ports import HOST, free_port
from tests.harness.parts import require_part
from tests.harness.proxy import Proxy

# Of this run, so that two runs on one existing broker stay apart, and the topics of each can be told and deleted.
_RUN = f"t{secrets.token_hex(2)}"
_NUMBERS = count(1)
PROXIES: Final = 2


@dataclass(frozen=True)
class SharedBroker:
    """Where the broker is. It is everybody's: a test that may harm one asks for `expendable`."""

    bootstrap: str


class Expendable(NamedTuple):
    """A broker that may be paused, killed and filled, and proxies before it that may be cut; its user mends them."""

    kafka: LocalKafka
    proxies: list[Proxy]

    def mend(self) -> None:
        """For whoever is next."""
        for proxy in self.proxies:
            proxy.mend()
        self.kafka.resume()
        if not self.kafka.is_running:
            self.kafka.restart()


def new_namespace() -> str:
    """Returns a topic prefix, such as "t1a2b00f-", that no other test has; all of one run are as long as each other."""
    return f"{_RUN}{next(_NUMBERS):03x}-"


@contextmanager
def shared_broker(data_dir: Path, say: Say) -> Iterator[SharedBroker]:
    """Yields the broker `NTK_TEST_BROKER` names and deletes our topics there afterwards, or starts one of our own."""
    existing = os.environ.get("NTK_TEST_BROKER")
    if existing:
        yield SharedBroker(existing)
        asyncio.run(_delete_topics(existing, _RUN))
        return
    with _start_or_skip(data_dir, say) as local:
        yield SharedBroker(local.bootstrap)
    shutil.rmtree(data_dir / "data")  # pytest keeps the directories of three runs; the log is small, this is not


@contextmanager
def proxied_broker(directory: Path, say: Say) -> Iterator[Expendable]:
    """A Kafka that clients reach directly, and each of two workers through a proxy of its own.

    A broker sends clients to the address it advertises on the listener they came by: one more listener for each proxy.
    """
    port, controller = free_port(), free_port()
    inner = [free_port() for _ in range(PROXIES)]
    with ExitStack() as stack:
        proxies = [stack.enter_context(Proxy(upstream)) for upstream in inner]
        names = [f"PROXY{number}" for number in range(PROXIES)]
        listeners = [f"PLAINTEXT://{HOST}:{port}", f"CONTROLLER://{HOST}:{controller}"]
        listeners += [f"{name}://{HOST}:{upstream}" for name, upstream in zip(names, inner, strict=True)]
        advertised = [f"PLAINTEXT://{HOST}:{port}"]
        advertised += [f"{name}://{proxy.address}" for name, proxy in zip(names, proxies, strict=True)]
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "ports").write_text(f"{port} {controller}\n")  # as `LocalKafka` keeps them
        properties = {
            "listeners": ",".join(listeners),
            "advertised.listeners": ",".join(advertised),
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": ",".join(f"{n}:PLAINTEXT" for n in ["PLAINTEXT", "CONTROLLER", *names]),
        }
        with _start_or_skip(directory, say, properties) as kafka:
            yield Expendable(kafka, proxies)
    shutil.rmtree(directory / "data")


def _start_or_skip(data_dir: Path, say: Say, properties: Mapping[str, str] = {}) -> LocalKafka:
    try:
        return LocalKafka.start(data_dir, say=say, properties=properties)
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
