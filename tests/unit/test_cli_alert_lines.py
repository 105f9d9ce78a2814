"""What the command line says of one alert: what came close, and what its reader may do now."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import click
import pytest

from schemas.settings import Settings
from sinks.alerts.authorizer import MAY
from sinks.cli import alerts
from sinks.cli.alert_client import RefusedError
from sinks.cli.alert_lines import finding_line, may_words, possible

ME = {"staff": "s22", "role": "investigator"}
OWED = {"obligation": "discipline"}


def alert(status: str, **more: Any) -> dict[str, Any]:
    """As the console tells of it."""
    return {"status": status, "owed": [], **more}


@pytest.mark.parametrize(
    ("role", "made", "may"),
    [
        ("investigator", alert("open"), "acknowledge note export reveal"),
        ("investigator", alert("acknowledged", holder="s22"), "close confirm note release export reveal"),
        ("investigator", alert("acknowledged", holder="s23"), "note export reveal"),
        ("investigator", alert("closed", disposition="justified"), "note reopen export reveal"),
        ("analyst", alert("closed", disposition="confirmed", owed=[OWED]), "note reveal"),
        ("analyst", alert("acknowledged", holder="s22", owed=[OWED]), "note release reveal"),
        ("law", alert("closed", disposition="confirmed", owed=[OWED]), "note record reopen export reveal"),
        ("law", alert("closed", owed=[{**OWED, "reference": "HR-17"}]), "note reopen export reveal"),
        ("admin", alert("acknowledged", holder="s23"), "note release"),
        ("viewer", alert("reopened"), ""),
    ],
)
def test_what_may_be_done_is_what_the_alert_allows_now(role: Any, made: dict[str, Any], may: str) -> None:
    """Not all that a role may ever do."""
    assert possible(made, MAY[role], {"staff": "s22", "role": role}) == may.split()


def test_who_cannot_close_yet_is_told_what_comes_first() -> None:
    """And each thing is named as its command is."""
    deeds = MAY["investigator"]
    assert may_words(alert("open"), deeds, ME) == (
        "acknowledge, note, export, reveal (in a browser); to close it, acknowledge it first"
    )
    assert may_words(alert("acknowledged", holder="s22"), deeds, ME).startswith("close, close --as confirmed, note")
    assert may_words(alert("open"), MAY["viewer"], ME) == "look, and no more"


@pytest.mark.parametrize(
    ("outcome", "misses", "words"),
    [
        ("unexplained", [], "unexplained, final: no path came close  f_"),
        (
            "unexplained",
            [{"path": "covers", "why": "coverage ended 2 days before"}],
            "unexplained, final: covers: coverage ended 2 days before  f_",
        ),
        ("late", [], "late, final  f_"),
    ],
)
def test_a_finding_says_what_came_close_or_that_nothing_did(outcome: str, misses: list[Any], words: str) -> None:
    """Or its reader would look for what was promised."""
    finding = {
        "finding_id": "f_0",
        "occurred_at": "2026-01-05T14:00:00.000Z",
        "source": "ecms",
        "action": "view",
        "record": {"kind": "case", "mask": "#b834d9"},
        "outcome": outcome,
        "certainty": "final",
        "near_misses": misses,
    }
    assert words in finding_line(finding)


class Ending:
    """A console whose live rows end the session at once."""

    async def get(self, path: str) -> dict[str, str]:
        """Who is signed in."""
        return {"path": path}

    async def rows(self, since: str | None) -> AsyncGenerator[tuple[str, str, dict[str, Any]], None]:
        """One that is no alert, then none."""
        yield "missed", "", {}
        raise RefusedError(401, "not signed in")


def test_who_follows_alerts_sees_that_it_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the rows, which are for programs, too; an empty screen looks like a program that hangs."""

    @asynccontextmanager
    async def client(known: Settings) -> AsyncGenerator[Ending, None]:
        yield Ending()

    monkeypatch.setattr(alerts, "client", client)
    with pytest.raises(click.ClickException, match="not signed in"):
        alerts.tail.main([], standalone_mode=False)
    said = capsys.readouterr()
    assert (said.out, said.err.splitlines()[0]) == ("", "following; Ctrl-C ends")
