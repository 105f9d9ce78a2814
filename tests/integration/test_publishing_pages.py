"""What the pages for publishing show is done as it stands there, on the real broker."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from schemas.codec import encode
from schemas.errors import TamperingError
from schemas.registry import read_registry
from schemas.topics import SIGNATURE_HEADER, Topics
from sinks.kafka import Broker
from streams.sources import Translators, translate
from tests.harness.broker import SharedBroker
from tests.harness.builders import make_access
from tests.integration.cli import Program

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "deploy" / "publishing"
LINES_MAX = 50  # of a page of one screen


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def program(
    kafka: SharedBroker, namespace: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> Program:  # fmt: skip
    """The program with its topics."""
    for name, value in {
        "TOPIC_PREFIX": namespace,
        "BROKER": kafka.bootstrap,
        "DATA_DIR": str(tmp_path / "ntk"),
    }.items():
        monkeypatch.setenv(f"NTK_{name}", value)
    made = Program(Broker(kafka.bootstrap, 30), Topics(namespace), capsys)
    made("topics", "apply", "--single-broker")
    return made


def run(command: list[str], directory: Path) -> str:
    """What it printed, once it ended well."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ten_lines_of_a_kafka_client_publish_an_access(program: Program, tmp_path: Path) -> None:
    """Copied from the page, with this test's broker and topic in place of the page's."""
    (example,) = blocks("kafka.md", "python")
    topic = program.topics.access("ecms")
    script = example.replace("127.0.0.1:9092", program.broker.address).replace('"access.ecms.v1"', f'"{topic}"')
    assert script.count(topic) == script.count(program.broker.address) == 1
    assert run([sys.executable, "-c", script], tmp_path).startswith(f"{topic} ")
    (message,) = program.messages(topic)
    (access,) = translate("ecms", message.value, message.headers, message.timestamp).accesses
    assert access.event_id == "ecms-000123"
    assert message.key == b"c0042"


def test_the_page_about_signatures_makes_a_key_and_one_that_is_taken(program: Program, tmp_path: Path) -> None:
    """The command's registry takes what the lines of Python have signed."""
    (command,), (example,) = blocks("signatures.md", "sh"), blocks("signatures.md", "python")
    run(["bash", "-euc", command], tmp_path)
    value = encode(make_access())
    printed = run([sys.executable, "-c", f"{example}\nprint(signature({value!r}, 11))"], tmp_path)
    headers = ((SIGNATURE_HEADER, printed.strip().encode()),)
    by = Translators(Topics(sources=read_registry(tmp_path / "sources.toml")))
    now = int(time.time() * 1000) + 1000  # the key holds from this second on
    assert by.translate("ecms", value, headers, now).accesses == (make_access(),)
    with pytest.raises(TamperingError):
        by.translate("ecms", value, (), now)


def test_the_commands_of_the_page_about_files_send_a_file(program: Program, tmp_path: Path) -> None:
    """Looked at, sent, and sent again as a log."""
    example = (ROOT / "deploy" / "example" / "accesses.jsonl").read_bytes()
    for name in ("accesses.jsonl", "access.jsonl"):
        (tmp_path / name).write_bytes(example)
    commands = "\n".join(blocks("files.md", "sh"))
    printed = run(["bash", "-euc", commands], tmp_path)
    assert [line.split(" on ")[0] for line in printed.splitlines()] == [
        "2 records: 2 good, 0 wrong", "2 messages in, 2 stored", "2 messages stored",
    ]  # fmt: skip
    stored = [orjson.loads(m.value or b"")["event_id"] for m in program.messages(program.topics.access("ecms"))]
    assert sorted(stored) == sorted(2 * [orjson.loads(line)["event_id"] for line in example.splitlines()])


@pytest.mark.parametrize("page", ["kafka.md", "files.md", "signatures.md", "README.md"])
def test_a_page_is_at_most_a_screen(page: str) -> None:
    """And what it leads to is there, once every way has its page."""
    text = (PAGES / page).read_text(encoding="utf-8")
    assert text.count("\n") <= LINES_MAX
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if link.startswith("..")]
    assert [link for link in links if not (PAGES / link).exists()] == []
