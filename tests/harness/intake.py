"""An intake on loopback before a real broker, in this process or as one of its own, and systems that send to it."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_port
from deploy.local.service import PROGRAM, Service, Worker
from schemas.settings import Settings
from schemas.topics import CANONICAL, SOURCES
from sinks.kafka import Broker, Message, read_topic
from streams.intake.keys import Keys, hash_of
from streams.intake.limits import InFlight, Patience
from streams.intake.running import intake_of, listening
from streams.intake.storing import IntakeStore
from streams.telemetry import Telemetry

KEYS: Final[Mapping[str, str]] = {source: f"ntk_of-{source}-alone" for source in SOURCES}
WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    document: Any
    headers: Mapping[str, str]

    @property
    def places(self) -> list[tuple[str, int, int]]:
        """Where all of it is stored."""
        assert self.status == 202, self
        return [(one["topic"], one["partition"], one["offset"]) for one in self.document["stored"]]


@dataclass
class Known:
    """The keys as a file would have them."""

    keys: Keys = field(default_factory=lambda: Keys({hash_of(key).encode(): name for name, key in KEYS.items()}))


@dataclass(frozen=True)
class Receiving:
    """An intake, and whoever sends to it."""

    base: str
    settings: Settings
    session: aiohttp.ClientSession
    telemetry: Telemetry
    known: Known
    store: IntakeStore
    in_flight: InFlight

    async def post(
        self, source: str, body: Any, kind: str | None = CANONICAL, *, key: str | None = None, **headers: str
    ) -> Reply:
        """Sends as this source, unless another key is given; header names with underscores."""
        sent = {"Authorization": f"Bearer {KEYS.get(source, '') if key is None else key}"}
        sent |= {"Content-Type": kind} if kind else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url, skipped = f"{self.base}/v1/access/{source}", () if kind else ("Content-Type",)
        async with self.session.post(url, data=body, headers=sent, skip_auto_headers=skipped) as response:
            return Reply(response.status, orjson.loads(await response.read()), dict(response.headers))

    async def messages(self, source: str) -> dict[tuple[str, int, int], Message]:
        """All that lies on a source's topic, by place."""
        broker, topic = Broker(self.settings.broker, WAIT_SECONDS), self.settings.topics.access(source)
        return {(m.topic, m.partition, m.offset): m async for m in read_topic(broker, topic)}

    def counted(self, name: str, **labels: str) -> float:
        """What a metric says."""
        return self.telemetry.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def receiving(
    bootstrap: str, prefix: str, patience: Patience | None = None, **settings: Any
) -> AsyncIterator[Receiving]:
    """An intake in this loop. Its topics must be there."""
    known, telemetry = Known(), Telemetry("receiver")
    wanted = Settings(broker=bootstrap, topic_prefix=prefix, receive_port=0, **settings)
    store = IntakeStore(wanted)
    await store.start()
    try:
        intake = intake_of(wanted, known, store, telemetry, patience or Patience())
        async with listening(intake, wanted, None) as port, aiohttp.ClientSession() as session:
            yield Receiving(f"http://{HOST}:{port}", wanted, session, telemetry, known, store, intake.in_flight)
    finally:
        await store.stop()


async def eventually(is_so: Callable[[], object], what: str) -> None:
    """Look again and again until it is so."""
    end = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < end, f"after {WAIT_SECONDS:.0f} s: {what}"
        await asyncio.sleep(0.01)


@contextmanager
def receiver(service: Service, keys: Path, **settings: str) -> Iterator[tuple[Worker, int]]:
    """`needtoknow receive` as a process, once it is ready; and its port. It is told to stop at the end."""
    admin, port = free_port(), free_port()
    ours = {"NTK_RECEIVE_PORT": str(port), "NTK_ADMIN_PORT": str(admin), "NTK_RECEIVE_KEYS_FILE": str(keys), **settings}
    service.directory.mkdir(parents=True, exist_ok=True)
    log_file = service.directory / f"receiver-{port}.log"
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            leashed([PROGRAM, "receive"]), env=service.environment(**ours), stdout=log, stderr=log
        )
    worker = Worker(1, admin, process, log_file, "receiver")
    try:
        service.wait_ready(worker)
        yield worker, port
    finally:
        process.terminate()
        try:
            process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def keys_file(path: Path, *sources: str, more: str = "") -> Path:
    """A file with the keys of these sources."""
    path.write_text("".join(f'[{name}]\nkeys = ["{hash_of(KEYS[name])}"]\n' for name in sources) + more)
    return path
