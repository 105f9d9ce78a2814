"""Says of one mutant after another whether any test notices it. Run by `mutate.py` in a copy of the tree.

Jobs are lines of JSON, and so are the answers. What no mutant changes is imported once, before the first of them; each
session of tests is a fork, with limits of processor time and memory.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

BEFOREHAND: Final = ("hypothesis", "hypothesis.strategies", "pytest_asyncio", "_hypothesis_pytestplugin", "aiokafka")
MUTATED: Final = "NTK_TESTS_MUTATED"  # set in the environment of tests of mutants
WAIT_MAX: Final = 60  # seconds by the clock, and so many times the processor's: the machine may be busy
WAITED: Final = 10
LIMIT_BYTES: Final = 4 << 30  # a mutant may loop for ever, and collect what it finds
OPTIONS: Final = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-seed=0", "--timeout=0")


def main() -> None:
    """Answers until there are no more jobs."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)  # what tests print must not get between
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    os.environ[MUTATED] = "1"
    _import_what_stays()
    for line in sys.stdin.buffer:
        answers.write(orjson.dumps(_answer(orjson.loads(line))) + b"\n")


def _import_what_stays() -> None:
    import schemas

    for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
        importlib.import_module(module.name)
    for name in BEFOREHAND:
        importlib.import_module(name)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    """`stages`: lists of test files, the likeliest to notice first. The first failing stage, or null; what it took."""
    took: list[float] = []
    noticed = None
    with _changed(Path(job["file"]), job["source"]):
        for number, tests in enumerate(job["stages"]):
            code, seconds = _session(tests, job["limits"][number], may_write=job["source"] is None)
            took.append(seconds)
            if code != pytest.ExitCode.OK:
                noticed = number
                break
    return {"id": job["id"], "noticed": noticed, "took": took, "timed_out": noticed is not None and code < 0}


@contextmanager
def _changed(file: Path, source: str | None) -> Iterator[None]:
    if source is None:  # the tree as it is
        yield
        return
    original = file.read_bytes()
    file.write_text(source, encoding="utf-8")
    try:
        yield
    finally:
        file.write_bytes(original)


def _session(tests: Sequence[str], seconds: int, *, may_write: bool) -> tuple[int, float]:
    """Exit code of these tests (below zero: stopped by a signal), and the processor time they took."""
    began = time.process_time() + _of_children()
    child = os.fork()
    if child == 0:
        sys.dont_write_bytecode = not may_write
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        signal.alarm(WAIT_MAX + WAITED * seconds)  # a mutant may also wait for ever
        os._exit(int(pytest.main([*OPTIONS, *tests])))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), time.process_time() + _of_children() - began


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
