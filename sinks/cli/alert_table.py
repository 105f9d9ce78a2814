"""Alerts as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.ids import parse_instant

from .alert_lines import Document, age, state
from .lines import safe

_STYLES: Final = {"low": "dim", "medium": "", "high": "bold", "critical": "bold red"}

WORDS: Final = "who did what, and why"


def show_table(alerts: Sequence[Document], now: int) -> None:
    """Prints them, fitted to the terminal. Text is never markup."""
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    for name in ("severity", "age", "status", WORDS, "alert"):
        table.add_column(name, ratio=1 if name == WORDS else None, no_wrap=name != WORDS, overflow="fold")
    for alert in alerts:
        severity = str(alert["severity"])
        table.add_row(
            Text(severity.upper(), style=_STYLES[severity]),
            age(now - parse_instant(alert["last_at"])),
            Text(state(alert)),
            Text(f"{safe(alert['sentence'])}: {safe(alert['because'])}"),
            str(alert["alert_id"]),
        )
    Console().print(table)
