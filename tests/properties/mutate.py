"""Mutation run over the pure zones: changes one thing in the code, and asks whether any test notices. By command only.

    python -m tests.properties.mutate                       # everything, about half an hour
    python -m tests.properties.mutate --sample 60 --seed 7  # some
    python -m tests.properties.mutate --only join/open      # one file
    python -m tests.properties.mutate --equivalents         # what is said to mean the same, and nothing else

A survivor is a line that nothing holds to what it says, or a change that means nothing; a person decides which, and
writes the second kind into `equivalent.toml` with the reason. They are in an order of chance: what was tried when
somebody interrupts it is a sample, and is summed up. Exit code 1: fewer than 95 % were killed, it was interrupted, or
the list names what is not there or what some test kills; 3: the tests fail without any mutation, or nothing was tried.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

import orjson

from .mutants import Mutant, all_mutants

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("schemas", "streams", "sinks", "tests", "pyproject.toml")
EQUIVALENT: Final = Path(__file__).with_name("equivalent.toml")
WANTED: Final = 0.95

OWN: Final[dict[str, tuple[str, ...]]] = {  # tests of one module, where they are not called after it
    "aside": ("aside",),
    "bodies": ("knowledge", "index", "touched"),
    "covers": ("rejudge_by_hand_paths", "explain"),
    "decide": ("decide", "rejudge_by_hand", "explain"),
    "facts": ("facts", "knowledge", "touched", "loading"),
    "index": ("index", "index_edges", "columns"),
    "indexed": ("indexed", "corrections"),
    "judged": ("cuts",),
    "judging": ("aside", "cuts", "corrections", "judging_fast_path"),
    "moments": ("moments", "index"),
    "knowledge": ("knowledge", "loading", "columns"),
    "names": ("names", "loading"),
    "near_misses": ("near_misses", "explain"),
    "open": ("open_accesses",),
    "own_assignment": ("explain",),
    "plain": ("plain_duties", "knowledge", "loading"),
    "plainly": ("judging_fast_path",),
    "published": ("published_states",),
    "renumber": ("columns",),
    "question": ("explain", "index"),
    "reach": ("reach", "explain", "every_path"),
    "refs": ("explain",),
    "rows": ("knowledge", "stamp_and_register", "loading"),
    "sentences": ("explain",),
    "stretch": ("index", "index_edges"),
    "stamp": ("stamp_and_register",),
    "supervises": ("explain",),
    "view": ("knowledge", "explain"),
}
QUICK: Final = (
    "reconcile", "completeness", "touched", "published_states", "stamp_and_register", "facts", "moments", "knowledge",
    "open_accesses", "decide", "near_misses", "every_path", "explain", "cuts", "judging", "indexed", "corrections",
    "plain_duties", "related", "index", "audit", "audit_reconciled",
)  # fmt: skip
HISTORIES: Final = "tests/properties/test_histories.py"
SLOW: Final = (
    "tests/unit/test_judging_fast_path.py",
    "tests/properties/test_touched_accesses.py",
    "tests/properties/test_strangers.py",
    "tests/unit/test_names.py",
    "tests/unit/test_knowledge_memory.py",
)


Mark = tuple[str, str, str, int]
"""File, line of code, what became of it, and which of those in the file that read the same, from 0."""


class Fate(NamedTuple):
    """What became of a mutant: the number of the stage that noticed, if any."""

    mutant: Mutant
    noticed: int | None
    timed_out: bool


def unit(names: Sequence[str]) -> list[str]:
    """The unit test files of these names that there are."""
    files = [f"tests/unit/test_{name}.py" for name in names]
    return [file for file in files if (ROOT / file).is_file()]


def stages(mutant: Mutant, is_quick: bool) -> list[list[str]]:
    """Tests in the order in which they are likely to notice, and cheap."""
    stem = Path(mutant.file).stem
    own = unit(OWN.get(stem, (stem,)))
    some = [
        own,
        [] if is_quick else [HISTORIES],
        [file for file in unit(QUICK) if file not in own],
        *([file] for file in (() if is_quick else SLOW) if file not in own),
    ]
    return [files for files in some if files]  # none at all would be every test there is


class Workers:
    """Processes with a copy of the tree each."""

    def __init__(self, place: Path, number: int, tests: Sequence[str]) -> None:
        self._trees = [_copy(place / str(n), tests) for n in range(number)]
        self._processes: list[subprocess.Popen[bytes]] = []

    def end(self) -> None:
        """With the sessions of tests that they have under way."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def run(self, jobs: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The answers as they come."""
        todo: SimpleQueue[dict[str, Any]] = SimpleQueue()
        done: SimpleQueue[dict[str, Any]] = SimpleQueue()
        for job in jobs:
            todo.put(job)
        threads = [threading.Thread(target=self._work, args=(tree, todo, done), daemon=True) for tree in self._trees]
        for thread in threads:
            thread.start()
        for _ in jobs:
            answer = done.get()
            if "error" in answer:
                raise RuntimeError(answer["error"])
            yield answer

    def _work(self, tree: Path, todo: SimpleQueue[dict[str, Any]], done: SimpleQueue[dict[str, Any]]) -> None:
        command = [sys.executable, "-m", "tests.properties.mutation_worker"]
        env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=tree, env=env, start_new_session=True, **pipes)
        self._processes.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(Empty):
            while True:
                job = todo.get_nowait()
                try:
                    process.stdin.write(orjson.dumps(job) + b"\n")
                    process.stdin.flush()
                    done.put(orjson.loads(process.stdout.readline()))
                except (BrokenPipeError, orjson.JSONDecodeError):
                    done.put({"error": f"a worker ended at {job['id']}"})
                    return


def _copy(tree: Path, tests: Sequence[str]) -> Path:
    """These tests are compiled there beforehand: a session of tests of a mutant must not leave any bytecode behind."""
    tree.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", *tests]
    env = {**os.environ, "PYTHONPATH": str(tree)}
    subprocess.run(command, cwd=tree, env=env, check=True, stdout=subprocess.DEVNULL)
    return tree


def usual(workers: Workers, every: Sequence[str]) -> dict[str, float] | None:
    """Processor seconds that each test file takes when nothing is changed. None: a test fails."""
    as_it_is = {"file": "", "source": None, "limits": [600]}
    answers = list(workers.run([{**as_it_is, "id": n, "stages": [[file]]} for n, file in enumerate(every)]))
    failed = [every[answer["id"]] for answer in answers if answer["noticed"] is not None]
    for file in failed:
        print(f"the tests fail without any mutation: {file}")
    return None if failed else {every[answer["id"]]: answer["took"][0] for answer in answers}


def run(chosen: Sequence[Mutant], workers: Workers, usually: dict[str, float], is_quick: bool) -> Iterator[Fate]:
    """Try each, with five times the processor time that its tests usually take, and some. Says how it goes."""
    jobs: list[dict[str, Any]] = []
    for number, mutant in enumerate(chosen):
        tests = stages(mutant, is_quick)
        seconds = [5 + int(5 * sum(usually[file] for file in some)) for some in tests]
        jobs.append({"id": number, "file": mutant.file, "source": mutant.source, "stages": tests, "limits": seconds})
    began = time.monotonic()
    for number, answer in enumerate(workers.run(jobs), 1):
        fate = Fate(chosen[answer["id"]], answer["noticed"], answer["timed_out"])
        took, mutant = time.monotonic() - began, fate.mutant
        print(f"{number}/{len(chosen)} {_words(fate)}: {mutant.file}:{mutant.line}: {mutant.what} ({took:.0f} s)",
              flush=True)  # fmt: skip
        yield fate


def _words(fate: Fate) -> str:
    if fate.noticed is None:
        return "survived"
    return f"timed out ({fate.noticed})" if fate.timed_out else f"killed ({fate.noticed})"


def told_equivalent() -> set[Mark]:
    """The list that people keep, each with a reason that they read."""
    told = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("mutant", [])
    return {(one["file"], one["code"], one["what"], one.get("nth", 0)) for one in told}


def mark(mutant: Mutant) -> Mark:
    """By what a mutant is known in the list: a line's number would change with every line above it."""
    return mutant.file, mutant.code, mutant.what, mutant.nth


def summary(fates: Sequence[Fate], chosen: int, told: set[Mark], every: Sequence[Mutant]) -> int:
    """Prints score, survivors, and what is wrong with the list of equivalents; the exit code."""
    survivors = sorted(fate.mutant for fate in fates if fate.noticed is None)
    killed, tried = len(fates) - len(survivors), max(1, len(fates))
    stale = told - {mark(m) for m in every}
    stale |= {mark(f.mutant) for f in fates if f.noticed is not None and mark(f.mutant) in told}
    harmful = [mutant for mutant in survivors if mark(mutant) not in told]
    print(f"{killed} of {len(fates)} killed ({100 * killed / tried:.1f} %), {chosen} chosen, of {len(every)} there are;"
          f" {len(told)} more lines are told to mean the same (equivalent.toml)")  # fmt: skip
    for mutant in harmful:
        print(f"survived: {mutant.file}:{mutant.line}: {mutant.what} (nth {mutant.nth}): {mutant.code}")
    for file, code, what, nth in sorted(stale):
        print(f"stale in equivalent.toml: {file}: {what} (nth {nth}): {code}")
    return 1 if stale or len(fates) < chosen or len(harmful) > (1 - WANTED) * tried else 0


def main() -> int:
    """Score and survivors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="how many mutants to try, by chance (default: all)")
    parser.add_argument("--seed", type=int, default=7, help="which ones (default 7)")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (default 2)")
    parser.add_argument("--equivalents", action="store_true", help="those that are said to mean the same, not the rest")
    parser.add_argument("--quick", action="store_true", help="without the slow tests, which few mutants need")
    asked = parser.parse_args()
    every, told = all_mutants(ROOT), told_equivalent()
    chosen = [m for m in every if asked.only in m.file and (mark(m) in told) is asked.equivalents]
    random.Random(asked.seed).shuffle(chosen)
    chosen = chosen[: asked.sample]
    if not chosen:
        print("there is nothing to try")
        return 3
    files = dict.fromkeys(file for mutant in chosen for some in stages(mutant, asked.quick) for file in some)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        workers = Workers(Path(place), asked.processes, list(files))
        fates: list[Fate] = []
        try:
            usually = usual(workers, list(files))
            if usually is None:
                return 3
            fates.extend(run(chosen, workers, usually, asked.quick))  # keeps those that came before an interruption
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        finally:
            workers.end()
        return summary(fates, len(chosen), told, every)


if __name__ == "__main__":
    sys.exit(main())
