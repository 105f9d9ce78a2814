"""The program `needtoknow`: help for newcomers, errors in one line, exit codes."""

from __future__ import annotations

import subprocess
import sys
import time

import click
import pytest

from schemas.errors import BrokenPromiseError, NotReadyError, RejectedInputError
from sinks.cli.main import COMMANDS, cli, run
from sinks.cli.options import When

# The modules of these come from elsewhere; what is said of them here holds for all the others.
OWN = [
    ("topics", "apply"),
    ("send",),
    ("load",),
    ("dead-letters", "list"),
    ("dead-letters", "show"),
    ("dead-letters", "count"),
    ("dead-letters", "replay"),
    ("dead-letters", "drop"),
    ("findings", "tail"),
    ("explain",),
    ("replay",),
    ("verify",),
]


def called(*arguments: str) -> int:
    """The exit code of the program."""
    return run(lambda: cli.main(list(arguments), prog_name="needtoknow", standalone_mode=False))


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
def test_a_span_of_time_is_a_number(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Who waits for "nan" seconds would wait for ever."""
    assert called("status", "--wait-idle", seconds) == 2
    assert "--wait-idle" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "ago"), [("90s", 90_000), ("30m", 1_800_000), ("24h", 86_400_000), ("7d", 604_800_000)]
)
def test_an_instant_may_be_so_long_ago(words: str, ago: int) -> None:
    """Counted back from now; anything else is RFC 3339, or refused."""
    before = int(time.time() * 1000)
    told = When().convert(words, None, None)
    assert before - ago <= told <= int(time.time() * 1000) - ago
    assert When().convert("2026-01-05T00:00:00Z", None, None) == 1_767_571_200_000
    for wrong in ("24", "h", "-1h", "1w", "2026-01-05", ""):
        with pytest.raises(click.UsageError, match="RFC 3339"):
            When().convert(wrong, None, None)


def test_help_names_every_command_without_importing_any() -> None:
    """A newcomer's first command must not take seconds."""
    code = (
        "import sys\nfrom sinks.cli.main import cli\ncli.main(['--help'], standalone_mode=False)\n"
        "assert not {'aiokafka', 'faust', 'pydantic'} & set(sys.modules), 'imported too much'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("path", OWN, ids=" ".join)
def test_each_command_explains_itself_with_an_example(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """And says where Kafka is looked for."""
    assert called(*path, "--help") == 0
    told = capsys.readouterr().out
    assert "Example:" in told
    assert f"needtoknow {' '.join(path)}" in told
    assert "NTK_BROKER" in told


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RejectedInputError("line 4: actor", "is missing"), 1),
        (BrokenPromiseError("the ledger has a hole"), 1),
        (NotReadyError("no Kafka answers at 127.0.0.1:9092"), 3),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts read the code, people the line."""

    def fail() -> None:
        raise error

    assert run(fail) == code
    captured = capsys.readouterr()
    assert captured.err == f"needtoknow: {error}\n"
    assert captured.out == ""


def test_wrong_use_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    """As every program says it."""
    assert called("send", "/nowhere/at/all", "--source", "ecms") == 2
    assert called("nonsense") == 2
    assert called("send") == 2
    assert "does not exist" in capsys.readouterr().err


def test_an_exit_code_of_a_command_is_passed_on() -> None:
    """`raise click.exceptions.Exit(1)` is how a command says no."""
    command = click.Command("no", callback=lambda: click.get_current_context().exit(1))
    assert run(lambda: command.main([], standalone_mode=False)) == 1
    assert run(lambda: None) == 0


def test_an_interrupt_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is an answer too."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert run(interrupted) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("address", ["localhost", "a b:1", "host:port", "host:1,", "//h:1", "u:p@h:1", ""])
def test_an_address_that_is_none_is_wrong_use(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Said at once, not after a minute of trying."""
    assert called("topics", "apply", "--broker", address) == 2
    assert "host:port" in capsys.readouterr().err


def test_a_wrong_setting_is_named_but_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be a password in the wrong place."""
    monkeypatch.setenv("NTK_ADMIN_PORT", "hunter2")
    assert called("topics", "apply") == 2
    told = capsys.readouterr().err
    assert "NTK_ADMIN_PORT" in told
    assert "hunter2" not in told


def test_a_broker_that_is_away_is_waited_for_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    """With progress, for as long as was said, and then with exit code 3."""
    assert called("topics", "apply", "--broker", "127.0.0.1:1", "--timeout", "1.5") == 3
    told = capsys.readouterr().err
    assert "waiting for Kafka at 127.0.0.1:1" in told
    assert "no Kafka answers at 127.0.0.1:1 after 2 s" in told
    assert "Traceback" not in told


def test_a_wrong_file_is_refused_without_a_broker(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is checked first, so the answer does not depend on Kafka."""
    path = f"{tmp_path}/a.jsonl"
    with open(path, "wb") as file:
        file.write(b'{"event_id":"e1"}\n')
    assert called("send", path, "--source", "ecms", "--broker", "127.0.0.1:1") == 1
    assert capsys.readouterr().err.startswith("needtoknow: line 1: source: is missing; correct the file")
