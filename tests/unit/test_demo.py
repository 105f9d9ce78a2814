"""What the demonstration tells whoever has started it, and when. Its parts are stood in for; nothing is started."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.local import demo

HERE = "127.0.0.1:8444"


class Parts:
    """A service that is there at once; `told` has what else happened, in its order among what is printed."""

    def __init__(self, *_: object, **__: object) -> None:
        self.workers = self.consoles = self.watches = [SimpleNamespace(address=HERE)]
        self.settings = {"NTK_WATCH_URL": f"http://{HERE}"}

    def apply_topics(self) -> None:
        """There already."""

    def start_workers(self, count: int) -> None:
        """Run already."""

    def start_watch(self) -> None:
        """Runs already."""

    def stop(self) -> None:
        """Stops in order, which takes a while."""
        print("parts stop")

    bootstrap, prefix = "127.0.0.1:1", ""


class Dashboard:
    """As LocalPrometheus."""

    console_url = "http://127.0.0.1:9090/consoles/violations.html"

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> Dashboard:
        return self

    def __exit__(self, *_: object) -> None: ...


async def _played(*_: object) -> str:
    return "played"


@pytest.fixture
def handlers() -> Iterator[None]:
    """What this process does on a signal is as it was."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def stood_in(monkeypatch: pytest.MonkeyPatch, handlers: None) -> pytest.MonkeyPatch:
    """Everything that would start something."""
    stand_ins: dict[str, Any] = {
        "Service": Parts,
        "LocalPrometheus": Dashboard,
        "find_prometheus": lambda: "prometheus",
        "start_console": lambda service: SimpleNamespace(address=HERE),
        "feeds_that_go_on": lambda service: nullcontext(),
        "_broker": lambda *_: ("127.0.0.1:1", ""),
        "_plan": lambda *_: SimpleNamespace(steps=()),
        "_play": _played,
        "_summary": lambda *_: True,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(demo, name, stand_in)
    return monkeypatch


def test_the_console_is_told_when_it_is_there_and_the_end_when_all_has_ended(
    stood_in: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not when the day is over; and Ctrl-C ends it also where a shell had it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as of a job in the background
    stood_in.setattr(signal, "pause", lambda: signal.raise_signal(signal.SIGINT))

    assert "ana" in demo.USERS
    assert demo.main([]) == 0

    said = capsys.readouterr().out
    order = [
        f"console: http://{HERE}/\n",
        "sign in as vera (viewer), ana (analyst)",
        f"dashboard: {Dashboard.console_url}",
        "playing the day",
        f"NTK_CONSOLE_URL=http://{HERE} .venv/bin/needtoknow alerts sign-in ana",
        f"NTK_WATCH_URL=http://{HERE} .venv/bin/needtoknow status",
        "BrokenMarks, CriticalAlertWaiting and SourceOverdue fire on purpose",
        "end it with Ctrl-C",
        "stopping",
        "parts stop",
        "stopped",
    ]
    places = [said.find(words) for words in order]
    assert -1 not in places, said
    assert places == sorted(places)


def test_readme_says_about_how_long_it_takes() -> None:
    """The day as it is played by default, and as long again for what comes before and after it."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    found = re.search(r"in ([0-9]+) seconds once all is fetched", readme)
    assert found is not None
    assert int(found[1]) == 2 * demo._options(["--once"]).seconds


def test_once_asks_nobody_to_look_around(stood_in: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends by itself; and without Prometheus nothing is said of pages."""
    stood_in.setattr(demo, "find_prometheus", lambda: None)
    stood_in.setattr(signal, "pause", lambda: pytest.fail("it must not wait"))

    assert demo.main(["--once"]) == 0

    said = capsys.readouterr().out
    assert f"console: http://{HERE}/" in said
    assert not any(words in said for words in ("fire on purpose", "Ctrl-C", "stopped", "day is over"))
