"""Live rows: what two hundred people who look on cost a console, and when a finding is on their screens. By hand:

    python -m tests.bench.live_rows [--readers 200] [--updates 50] [--seconds 30]

A console in a process of its own, with a store in SQLite, reads that many findings a second; the readers are here.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import multiprocessing.connection
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from schemas.ids import parse_instant
from sinks.alerts.writing import hear
from sinks.console import stream
from sinks.console.web import now_ms
from tests.harness.console import Scene, console
from tests.harness.findings import make_finding, place

READY_SECONDS: Final = 30.0
STAFF: Final = 500
CORE_MAX: Final = 0.5  # of a core, for 200 readers at 50 updates a second
ROW_MS: Final = 1_000  # from a finding to its row, in 99 of 100


@dataclass
class Seen:
    """What the readers have seen: rows, and how long each took (ms)."""

    rows: int = 0
    missed: int = 0
    waits: list[int] = field(default_factory=list)


def main() -> int:
    """Measures, and says so."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live_rows")
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as name:
        process = multiprocessing.Process(
            target=_serve, args=(theirs, name, options.updates, options.seconds), daemon=True
        )
        process.start()
        if not ours.poll(READY_SECONDS):
            raise RuntimeError("the console did not start")
        base, token = ours.recv()
        seen = asyncio.run(_read(ours, base, token, options.readers))
        told = ours.recv()
        process.join(READY_SECONDS)
    return _report(seen, told, options.readers)


def _report(seen: Seen, told: dict[str, float], readers: int) -> int:
    waits = sorted(seen.waits)
    p50, p99 = (waits[len(waits) * part // 100] for part in (50, 99))
    core = told["cpu"] / told["seconds"]
    print(f"{readers} readers, {told['updates'] / told['seconds']:.0f} updates a second for {told['seconds']:.0f} s")
    print(f"rows read      {seen.rows}, readers told to read the page again {seen.missed}")
    print(f"console's CPU  {core:.2f} of a core, findings and their store included (wanted {CORE_MAX})")
    print(f"finding to row p50 {p50} ms, p99 {p99} ms (wanted {ROW_MS})")
    return 0 if core <= CORE_MAX and p99 <= ROW_MS and not seen.missed else 1


def _serve(pipe: multiprocessing.connection.Connection, directory: str, updates: int, seconds: float) -> None:
    asyncio.run(_served(pipe, Path(directory), updates, seconds))


async def _served(pipe: multiprocessing.connection.Connection, directory: Path, updates: int, seconds: float) -> None:
    stream.OWN_MAX = stream.READERS_MAX  # they are all one person's
    async with console(directory) as scene:
        pipe.send((scene.base, (await scene.user("ivo")).token))
        await asyncio.to_thread(pipe.recv)  # the readers are there
        cpu, began = time.process_time(), time.monotonic()
        count = await _find(scene, updates, seconds)
        pipe.send({"cpu": time.process_time() - cpu, "seconds": time.monotonic() - began, "updates": count})
        await asyncio.to_thread(pipe.recv)  # the readers have read


async def _find(scene: Scene, updates: int, seconds: float) -> int:
    """One finding after the other, at an even pace."""
    began, count = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        await asyncio.to_thread(_one, scene, count)
        scene.live.news()
        count += 1
        await asyncio.sleep(max(0.0, count / updates - now))
    return count


def _one(scene: Scene, number: int) -> None:
    finding = make_finding(f"look-{number}", staff=f"w{number % STAFF:03}")
    with scene.store.writing() as writing:
        hear(writing, finding, place(number), writing.moment(now_ms()))


async def _read(pipe: multiprocessing.connection.Connection, base: str, token: str, readers: int) -> Seen:
    seen, here, over = Seen(), asyncio.Semaphore(0), asyncio.Event()
    connector = aiohttp.TCPConnector(limit=readers + 1)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {token}"}) as session:
        tasks = [asyncio.create_task(_reader(session, base, seen, here)) for _ in range(readers)]
        for _ in range(readers):
            await here.acquire()
        pipe.send("here")
        await asyncio.to_thread(pipe.poll, None)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        over.set()
    pipe.send("read")
    return seen


async def _reader(session: aiohttp.ClientSession, base: str, seen: Seen, here: asyncio.Semaphore) -> None:
    async with session.get(f"{base}/api/v1/stream", timeout=aiohttp.ClientTimeout(total=None)) as response:
        async for line in response.content:
            if line == b": here\n":
                here.release()
            elif line.startswith(b"event: missed"):
                seen.missed += 1
            elif line.startswith(b'data: {"alert_id'):
                row: dict[str, Any] = orjson.loads(line[6:])
                seen.rows += 1
                seen.waits.append(now_ms() - parse_instant(row["last_at"]))


if __name__ == "__main__":
    sys.exit(main())
