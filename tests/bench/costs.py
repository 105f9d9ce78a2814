"""What a fact, an access and a question cost: in a real worker, and judging alone."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import orjson

from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_port

from . import many_facts
from .broker import Broker
from .costs_report import Sizes, Started
from .process import Process
from .programs import OURS, Run, fresh_run
from .status import wait_idle
from .workload import Plan, make_workload

START_SECONDS: Final = 300.0  # for a worker to be ready; a million facts took 40 on a busy machine
PURE_SECONDS: Final = 600.0  # for one question asked without Kafka
LOOK_SECONDS: Final = 0.02
SAY_SECONDS: Final = 10.0
_OPENER: Final = build_opener(ProxyHandler({}))


def start(facts: int, *, broker: Broker, scratch: Path) -> Started:
    """A worker with so many assignments on `facts.v1`. Raises EndedEarlyError, TimeoutError."""
    with _run(f"start-{facts}", broker, scratch) as run:
        _store(run, facts)
        with _worker(run) as (process, port):
            ready_s = _wait_ready(process, port)
            return Started(facts=facts, ready_s=ready_s, rss_mb=process.rss_mb())


def index_memory(sizes: Sizes, *, broker: Broker, scratch: Path) -> dict[str, float]:
    """Resident memory of a worker that has judged few accesses, and then many, with every chain of the index linked."""
    rng = random.Random(7)
    with _run("index", broker, scratch) as run:
        _store(run, sizes.few_facts)
        with _worker(run) as (process, port):
            _wait_ready(process, port)
            rss: list[float] = []
            for round_, count in enumerate((sizes.few_accesses, sizes.many_accesses - sizes.few_accesses)):
                first = round_ * sizes.few_accesses
                few = sizes.few_facts
                broker.load(run.topics.accesses, many_facts.explained(count, few, few, rng, first))
                wait_idle(run, process.check)
                link = many_facts.revised(round_, few, is_void=False)
                broker.load(run.topics.service.feed("assignments"), [link])
                wait_idle(run, process.check)
                rss.append(process.rss_mb())
            grown = (rss[1] - rss[0]) * 2**20 / (sizes.many_accesses - sizes.few_accesses)
            return {"few_mb": rss[0], "many_mb": rss[1], "bytes_per_access": grown}


def pure(what: str, **asked: object) -> dict[str, float]:
    """One question of `pure_costs.py`, in a process of its own. Raises RuntimeError, TimeoutError."""
    said = orjson.dumps({"what": what, **asked}).decode()
    began = told = time.monotonic()
    process = subprocess.Popen(
        leashed([sys.executable, "-m", "tests.bench.pure_costs", said]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        while process.poll() is None:
            now = time.monotonic()
            if now - began > PURE_SECONDS:
                raise TimeoutError(f"{said}: no answer in {PURE_SECONDS:.0f} s")
            if now - told >= SAY_SECONDS:
                told = now
                print(f"  {what}: {now - began:.0f} s", flush=True)
            time.sleep(LOOK_SECONDS)
        assert process.stdout is not None
        answer = process.stdout.read()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    if process.returncode:
        raise RuntimeError(f"{said} ended with status {process.returncode}")
    print(f"{said}: {answer.decode().strip()}", flush=True)
    found: dict[str, float] = orjson.loads(answer)
    return found


def pure_all(sizes: Sizes) -> dict[str, dict[str, float]]:
    """Every question; the one about few facts before and after the one about many, so that a slow minute shows."""
    few, many = sizes.few_facts, sizes.many_facts
    before = pure("question", facts=few, among=few)
    all_of_many = pure("question", facts=many, among=many)
    same_of_many = pure("question", facts=many, among=few)
    after = pure("question", facts=few, among=few)
    return {
        "few": before,
        "many": all_of_many,
        "many_same_records": same_of_many,
        "few_again": after,
        "loading": pure("loading", facts=max(few, many // 3)),
        "assignment": pure("assignment_bytes", facts=max(5 * few, many // 10)),
        "index": pure("index_bytes", accesses=sizes.many_accesses, is_traced=True),
        "corrections": pure("corrections", facts=max(few, many // 50), accesses=sizes.few_accesses),
    }


def _run(name: str, broker: Broker, scratch: Path) -> contextlib.AbstractContextManager[Run]:
    """Nothing in its topics yet."""
    nothing = make_workload(Plan(accesses=0, subjects=1, staff=3))
    return fresh_run(f"costs-{name}", nothing, broker=broker, scratch=scratch)


def _store(run: Run, facts: int) -> None:
    """What register would have stored, at the speed of the broker: a million facts take register four minutes."""
    topics, load = run.topics.service, run.broker.load
    said = [*many_facts.accounts(facts), *many_facts.assignments(facts)]
    print(f"  storing {len(said):,} facts", flush=True)
    load(topics.facts, said)
    load(topics.marks, many_facts.marks(len(said)))


@contextlib.contextmanager
def _worker(run: Run) -> Iterator[tuple[Process, int]]:
    port = free_port()
    environment = {**OURS.environment(run), "NTK_ADMIN_HOST": HOST, "NTK_ADMIN_PORT": str(port)}
    with Process(OURS.command(), environment, run.scratch / "worker.log") as process:
        yield process, port


def _wait_ready(process: Process, port: int) -> float:
    """Seconds from its start until it says that it is ready. Raises EndedEarlyError, TimeoutError."""
    said = 0.0
    while not _is_ready(port):
        process.check()
        waited = time.time() - process.started
        if waited > START_SECONDS:
            raise TimeoutError(f"the worker is not ready after {waited:.0f} s")
        if waited - said >= SAY_SECONDS:
            said = waited
            print(f"  the worker loads: {waited:.0f} s", flush=True)
        time.sleep(LOOK_SECONDS)
    return time.time() - process.started


def _is_ready(port: int) -> bool:
    try:
        with _OPENER.open(f"http://{HOST}:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
