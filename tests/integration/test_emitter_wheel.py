"""What other teams install: the wheel, alone with what it asks for, beside a package `schemas` of theirs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from schemas.codec import decode_access
from tests.faults.harness import running
from tests.harness.broker import SharedBroker

ROOT: Final = Path(__file__).parents[2]
EMITTER: Final = ROOT / "deploy" / "emitter"
PAGE: Final = ROOT / "deploy" / "publishing" / "emitter.md"
SECONDS: Final = 120.0

# Beside the ten lines: all of the wheel can be imported with what it asks for, and the other `schemas` is untouched.
CHECK: Final = """
import importlib, json, pkgutil, sys
import needtoknow_emit, schemas
names = [m.name for m in pkgutil.walk_packages(needtoknow_emit.__path__, "needtoknow_emit.")]
for name in names:
    if name not in {"needtoknow_emit.schemas.settings", "needtoknow_emit.schemas.signing"}:  # of the service; an extra
        importlib.import_module(name)
foreign = sorted({"faust", "click"} & set(sys.modules))
print(json.dumps({"decoy": schemas.WHOSE, "modules": len(names), "foreign": foreign}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this repository, by the backend that its pyproject.toml names."""
    [made] = WheelBuilder(str(EMITTER)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return Path(made)


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of an environment with the wheel, what it asks for, and a decoy. No index is asked: what the wheel requires
    is linked from here, and what that requires, and nothing else."""
    home = tmp_path_factory.mktemp("empty")
    venv.create(home, with_pip=False)
    [site] = home.glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", f"--python={home}/bin/python", "install", "--no-deps", "--no-index", wheel]
    subprocess.run([*map(str, install), "--quiet"], check=True, timeout=SECONDS)
    for name in required(Distribution.at(next(site.glob("needtoknow_emit-*.dist-info")))):
        for entry in {
            file.parts[0] for file in distribution(name).files or () if file.parts[0] not in {"..", "__pycache__"}
        }:
            if not (site / entry).exists():
                (site / entry).symlink_to(Path(str(distribution(name).locate_file(entry))))
    (site / "schemas").mkdir()
    (site / "schemas" / "__init__.py").write_text('WHOSE = "theirs"\n')
    return home / "bin" / "python"


def required(whole: Distribution) -> set[str]:
    """The names of all that a distribution needs to run, and what that needs."""
    found: set[str] = set()
    asking = [whole]
    while asking:
        for line in asking.pop().requires or ():
            need = Requirement(line)
            if need.name not in found and (need.marker is None or need.marker.evaluate({"extra": ""})):
                found.add(need.name)
                asking.append(distribution(need.name))
    return found


def run(python: Path, program: str) -> str:
    """What a program prints there; nothing of this repository is on its way."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-I", "-c", program],
        check=False,
        cwd=python.parent,
        env=outside,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def test_the_wheel_stands_beside_a_package_called_schemas(python: Path) -> None:
    """Whatever a foreign program calls its own, it keeps."""
    found = json.loads(run(python, CHECK))
    assert found.pop("modules") > 20
    assert found == {"decoy": "theirs", "foreign": []}


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    """Typed, and nothing in it that a machine made or that is named as somebody else's."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].removesuffix("-0.1.0.dist-info") for name in names} == {"needtoknow_emit"}
    assert "needtoknow_emit/py.typed" in names
    assert [name for name in names if "__pycache__" in name] == []


def test_ten_lines_put_an_access_on_its_topic(
    python: Path, kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """Those of the page, word for word but for where things are."""
    [block] = re.findall(r"```python\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(block.strip().splitlines()) <= 10
    program = block.replace('"kafka-1:9092"', f'"{kafka.bootstrap}", topic_prefix="{namespace}"')
    program = program.replace("/var/spool/needtoknow-ecms", str(tmp_path / "spool"))
    assert program.count(str(tmp_path)) == program.count(kafka.bootstrap) == 1
    with running(kafka.bootstrap, tmp_path / "service", namespace) as one:
        printed = run(python, program)
        [message] = one.messages(one.topics.access("ecms"))
    access = decode_access(message.value)
    assert (access.event_id, access.actor, access.record.id, access.sequence) == ("a-4711", "jdoe", "c0042", 1)
    assert re.match(r"1 emitted, \d stored, \d waiting.*, 0 refused, 0 invalid; ", printed)


def test_the_page_fits_a_screen() -> None:
    """And says what the library says."""
    text = PAGE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    for name in ("SpoolInUseError", "MisusedError", "RejectedInputError", "oldest_waiting_seconds", "set_aside"):
        assert name in text


def test_what_hides_losses_is_said_where_it_is_copied_from() -> None:
    """Most take the example as it stands: who may number is said in it, and in the first words behind it."""
    before, example, behind = re.split(r"```(?:python)?\n", PAGE.read_text(encoding="utf-8"))[:3]
    assert "number_from" not in before
    [remark] = [line for line in example.splitlines() if line.startswith("#")]
    assert "ONLY where this is the ONE emitter of its source" in remark
    assert "Leave `number_from=1` out.**" in behind.strip().splitlines()[0]
