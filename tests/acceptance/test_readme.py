"""Every command that README shows is run as it stands there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.ports import HOST
from deploy.local.service import PROGRAM, Service
from tests.harness.broker import SharedBroker

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_commands_of_readme_find_the_snooper(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """A newcomer who types them sees who looked at what without a reason, and why we say so."""
    (block,) = blocks("sh")
    service = Service(kafka.bootstrap, tmp_path, prefix=namespace)
    explain = "needtoknow explain \"$(needtoknow findings tail --from-start | grep -o 'f_[0-9a-f]*')\""
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p); wait' EXIT\n{block}\n{explain}"
    environment = service.environment(NTK_ADMIN_PORT="0")
    environment["PATH"] = f"{Path(PROGRAM).parent}:{environment['PATH']}"

    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "w017 viewed case c0042" in done.stdout
    assert "assignment ended 9 days before" in done.stdout
    assert "w028" not in done.stdout  # who was doing their job
    assert "verified: nothing differs" in done.stdout
    explained = done.stdout.rpartition("verified: nothing differs")[2]
    assert [path for path in ("own-assignment", "supervises", "covers") if path not in explained] == []


@pytest.mark.timeout(240)
def test_the_demonstration_ends_as_readme_says() -> None:
    """One command, a real Kafka, two workers, a day, and everything as it must be."""
    (demo,) = (b for b in blocks("console") if "demo" in b)
    command = demo.removeprefix("$ ").split()
    quick = ["--seconds", "8", "--accesses", "600", "--seed", "11"]

    done = subprocess.run([*command, *quick], cwd=ROOT, capture_output=True, text=True, timeout=220, check=False)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"false +0\nmissed +0\n", done.stdout)
    assert "verified:" in done.stdout
    assert "everything as it must be" in done.stdout
    assert re.search(r"verifying the ledger, judging everything again: done after [0-9.]+ s\n", done.stdout)


def demonstration_that_ends(*arguments: str) -> tuple[int, str]:
    """Its exit status, and all that it says."""
    command = [str(ROOT / "deploy/demo"), "--once", "--discard", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_cannot_be_played_is_said_before_anything_starts() -> None:
    """Not by a traceback when Kafka and the workers run."""
    code, said = demonstration_that_ends("--accesses", "10")
    assert (code, "must be 300 at least" in said, "starting" in said) == (2, True, False)


def test_a_broker_that_does_not_answer_is_waited_for_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second it says so, and at the end in one line why it goes no further."""
    monkeypatch.setenv("NTK_BROKER_WAIT_SECONDS", "3")
    code, said = demonstration_that_ends("--broker", f"{HOST}:1")
    lines = said.splitlines()
    assert (code, any("waiting for Kafka" in line for line in lines[:-1])) == (3, True)
    assert f"could not go on: topics apply: needtoknow: no Kafka answers at {HOST}:1" in said


BEGUN: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    """A demonstration whose test has given up would go on for ever, and slow down all that come after it."""
    yield
    for process in BEGUN:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
    BEGUN.clear()


def demonstration(*arguments: str, until: str, **environment: str) -> subprocess.Popen[str]:
    """The demonstration, once it has said this."""
    process = subprocess.Popen(
        [str(ROOT / "deploy/demo"), "--accesses", "300", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    BEGUN.append(process)
    assert process.stdout is not None
    for line in process.stdout:
        if until in line:
            break
    return process


def interrupted(process: subprocess.Popen[str]) -> str:
    """What it still says after Ctrl-C, to its end."""
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    return said


@pytest.mark.timeout(240)
def test_ctrl_c_leaves_nothing_running() -> None:
    """Whoever stops the demonstration wants it to be gone."""
    process = demonstration("--discard", until="playing the day")
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    assert len(children.split()) >= 3  # the broker and two workers, or there was nothing to stop

    interrupted(process)

    assert process.returncode == 130
    left = [pid for pid in children.split() if Path(f"/proc/{pid}").exists()]
    assert left == []


@pytest.mark.timeout(240)
def test_ctrl_c_after_a_day_that_came_out_right_is_no_fault(kafka: SharedBroker, tmp_path: Path) -> None:
    """It is the way to end it: the exit status is that of the comparison, and no logs are left."""
    process = demonstration(
        "--seconds", "3", "--broker", kafka.bootstrap, until="everything goes on running", TMPDIR=str(tmp_path)
    )

    said = interrupted(process)

    assert process.returncode == 0, said
    assert said.rstrip().endswith("stopped")
    assert list(tmp_path.glob("needtoknow-demo-*")) == []
