#!/usr/bin/env python3
"""Makes .venv at the top of the repository from hash-locked requirements, or finds in a moment that nothing is to do.

Runs on a bare Python of 3.11 or newer, without any package:

    python3 deploy/local/setup.py --lock demo|test|bench

Everything comes as a wheel whose hash is in deploy/locks/, so nothing unlocked is fetched and nothing is built but the
project itself, which is installed editable. What is written here an older Python understands too (hence the quoted
annotations), down to the 3.6 of some servers: it has to get as far as main(), which says what is wrong.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OLDEST_PYTHON = (3, 11)
EXIT_FAILED, EXIT_WRONG_PYTHON, EXIT_INTERRUPTED = 1, 3, 130
ROOT = Path(__file__).resolve().parents[2]
LOCK_DIR = ROOT / "deploy" / "locks"
VENV = ROOT / ".venv"
STAMP = VENV / "needtoknow-setup.json"
LOCKS = ("demo", "test", "bench")  # each holds all of the one before, in the same versions
LOG_TAIL_LINES = 30  # pip's reason is within its last lines, below the list of what it collected
STEP_SECONDS = 900  # 200 MB over a slow line; whatever takes longer hangs
TICK_SECONDS = 1 if sys.stdout.isatty() else 10  # a screen shows time going by, a log wants few lines
# -I: neither PYTHONPATH nor the user's own site may lend a package that the lock does not have.
PIP = [str(VENV / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]


class SetupError(Exception):
    """A step failed; the message is what the person at the keyboard needs."""


class Stamp(NamedTuple):
    """What .venv was made from: where and by which Python, the hash of each lock it holds, the hash of pyproject.toml.

    Written after the last step only, so a .venv without one was cut short.
    """

    place: str
    locks: "Mapping[str, str]"
    project: str


def steps_needed(found: "Stamp | None", now: Stamp, lock: str) -> "list[str]":
    """Decides what to do, of "venv", "packages" and "project", to hold `lock`; `now` describes every lock as it is.

    What a run that was cut short left behind is made anew, since pip takes a package that is half there for
    installed. Packages are added only to a .venv in which all is as locked: pip removes nothing.
    """
    everything = ["venv", "packages", "project"]
    if found is None or found.place != now.place:
        return everything
    if found.locks.get(lock) != now.locks[lock]:
        is_as_locked = all(now.locks.get(name) == digest for name, digest in found.locks.items())
        return ["packages", "project"] if is_as_locked else everything
    return [] if found.project == now.project else ["project"]


def stamp_after(steps: "list[str]", found: "Stamp | None", now: Stamp, lock: str) -> Stamp:
    """Returns what .venv holds once `steps` are done: installing `lock` also brings the narrower ones."""
    if found is not None and "packages" not in steps:
        return found._replace(project=now.project)
    held = LOCKS[: LOCKS.index(lock) + 1]
    return now._replace(locks={name: now.locks[name] for name in held})


def set_up(lock: str) -> None:
    """Brings .venv to hold `lock` and the project; returns at once when it does already. Raises SetupError."""
    now = _describe()
    if not steps_needed(_read_stamp(), now, lock):
        return
    with _alone() as key:
        found = _read_stamp()  # once more: whoever held the key before us may have done it all
        steps = steps_needed(found, now, lock)
        if not steps:
            return
        STAMP.unlink(missing_ok=True)
        for step in steps:
            _do(step, lock, key)
        _write_stamp(stamp_after(steps, found, now, lock))


def _do(step: str, lock: str, key: int) -> None:
    if step == "venv":
        _remove_venv()
        # The Python below, should this one run in a .venv itself, perhaps in the very one just removed.
        python = getattr(sys, "_base_executable", sys.executable)
        _run("virtual environment", [python, "-m", "venv", str(VENV)], key)
    elif step == "packages":
        path = LOCK_DIR / f"{lock}.txt"
        count = sum(line[0].isalnum() for line in path.read_text().splitlines())  # a hash's line begins with a space
        locked = ["--only-binary=:all:", "--require-hashes", f"--requirement={path}"]
        _run(f"{count} packages of deploy/locks/{path.name}", [*PIP, *locked], key)
    else:
        _run("this project, editable", [*PIP, "--no-deps", "--no-build-isolation", f"--editable={ROOT}"], key)


def _remove_venv() -> None:
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)


def _run(what: str, command: "list[str]", key: int) -> None:
    """Runs one step and shows the time go by; raises SetupError with the end of its output when it fails."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        # The step holds the key too: were we killed alone, the next run would remove .venv under a pip still at work.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[key])
        try:
            _watch(process, what, started)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            log.seek(0)
            tail = log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise SetupError("\n".join([f"set-up: {what} failed. The end of its output:", *tail]))
    _show(f"set-up: {what}, {time.monotonic() - started:.1f} s", is_last=True)


def _watch(process: "subprocess.Popen[bytes]", what: str, started: float) -> None:
    while True:
        try:
            process.wait(timeout=TICK_SECONDS)
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - started
        else:
            return
        if elapsed > STEP_SECONDS:
            raise SetupError(f"set-up: {what} did not end within {STEP_SECONDS} s and was stopped")
        _show(f"set-up: {what} ... {elapsed:.0f} s", is_last=False)


def _show(line: str, *, is_last: bool) -> None:
    """Prints a line; on a screen, one that is not the last of its step is written over by the next."""
    if sys.stdout.isatty():
        print(f"\r{line}\033[K", end="\n" if is_last else "", flush=True)
    else:
        print(line, flush=True)


@contextlib.contextmanager
def _alone() -> "Iterator[int]":
    """Lets one set-up of this repository work at a time, and yields the key to that as a file descriptor.

    The key is a lock on the directory of the locks: the kernel gives it back whatever happens, and no file is left.
    """
    key = os.open(LOCK_DIR, os.O_RDONLY)
    try:
        try:
            fcntl.flock(key, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _show("set-up: waiting for another set-up of this repository to end", is_last=True)
            signal.signal(signal.SIGALRM, _give_up)
            signal.alarm(STEP_SECONDS)
            fcntl.flock(key, fcntl.LOCK_EX)
            signal.alarm(0)
        yield key
    finally:
        os.close(key)


def _give_up(*_: object) -> None:
    raise SetupError(f"set-up: another set-up of this repository has not ended within {STEP_SECONDS} s")


def _describe() -> Stamp:
    # With its place in it, the stamp of a .venv that was copied along with a repository does not hold for the copy.
    place = f"{sys.implementation.name} {sys.version.split()[0]} of {sys.base_prefix} in {ROOT}"
    return Stamp(place, {name: _hash(LOCK_DIR / f"{name}.txt") for name in LOCKS}, _hash(ROOT / "pyproject.toml"))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_stamp() -> "Stamp | None":
    """Returns the stamp, unless it is missing, unreadable, or its Python has gone from the machine since."""
    try:
        return Stamp(**json.loads(STAMP.read_text())) if (VENV / "bin" / "python").exists() else None
    except (OSError, ValueError, TypeError):
        return None


def _write_stamp(stamp: Stamp) -> None:
    half = STAMP.with_suffix(".half")
    half.write_text(json.dumps(stamp._asdict(), indent=1))
    half.replace(STAMP)


def main() -> int:
    """Returns 0 when .venv is ready, 1 when a step failed, 3 when this Python is too old."""
    if sys.version_info < OLDEST_PYTHON:
        wanted, found = ".".join(map(str, OLDEST_PYTHON)), sys.version.split()[0]
        print(f"set-up: needs Python {wanted} or newer, and {sys.executable} is {found}", file=sys.stderr)
        return EXIT_WRONG_PYTHON
    parser = argparse.ArgumentParser(description="Makes .venv from hash-locked requirements.")
    parser.add_argument("--lock", choices=LOCKS, default="demo", help="what to install; each holds the one before")
    try:
        set_up(parser.parse_args().lock)
    except SetupError as failed:
        print(failed, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
