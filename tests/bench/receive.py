"""HTTP intake: `python -m tests.bench.receive [--seconds N]`. Requests and accesses a second by records in a request.

On a real broker of its own, the receiver a process of its own. Only the ratios of one run mean something.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import aiohttp

from deploy.local.ports import HOST
from schemas.codec import encode
from schemas.receiving import BATCH
from tests.faults.harness import running
from tests.harness.broker import new_namespace, shared_broker
from tests.harness.builders import make_access
from tests.harness.intake import KEYS, keys_file, receiver

SIZES: Final = (1, 10, 100, 1_000)
CLIENTS: Final = 8  # at once: half of what one source may have under way
FAST: Final = {"NTK_RECEIVE_RATE": "1000000"}


def bodies(size: int) -> Iterator[bytes]:
    """Requests of so many accesses of 200 records, all different."""
    lines = [encode(make_access(event_id=f"e-{n}", name=f"case:c{n % 200}")) for n in range(max(size, 2_000))]
    for start in count(step=size):
        at = start % (len(lines) - size + 1)
        yield b"\n".join(lines[at : at + size])


async def measured(port: int, size: int, seconds: float) -> tuple[int, list[float]]:
    """How many requests were stored, and how long each took."""
    times: list[float] = []
    made, end = bodies(size), time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {KEYS['ecms']}", "Content-Type": BATCH}

    async def client(session: aiohttp.ClientSession) -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            async with session.post(f"http://{HOST}:{port}/v1/access/ecms", data=next(made), headers=headers) as answer:
                assert answer.status == 202, await answer.text()
                await answer.read()
            times.append(time.monotonic() - began)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return len(times), sorted(times)


def main() -> None:
    """Measures each size, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name, shared_broker(Path(name) / "kafka", lambda line: None) as broker:
        directory = Path(name)
        with (
            running(broker.bootstrap, directory / "service", new_namespace()) as one,
            receiver(one.service, keys_file(directory / "keys.toml", "ecms"), **FAST) as (_, port),
        ):
            asyncio.run(measured(port, 1, 1))  # connections, imports, caches
            first = 0.0
            print("records  requests/s  accesses/s  ratio   p50 ms   p99 ms")
            for size in SIZES:
                requests, times = asyncio.run(measured(port, size, seconds))
                rate = requests * size / seconds
                first = first or rate
                p50, p99 = (1000 * times[int(len(times) * part)] for part in (0.5, 0.99))
                print(f"{size:7}{requests / seconds:12.0f}{rate:12.0f}{rate / first:7.1f}{p50:9.1f}{p99:9.1f}")


if __name__ == "__main__":
    main()
