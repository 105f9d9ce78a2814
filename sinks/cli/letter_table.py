"""Dead letters as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sinks.letters import DeadLetter

from .lines import moment, safe

_COLUMNS: Final = {"number": None, "set aside": None, "message": 2, "what is wrong": 3}  # what shares the width


def show_letters(letters: Sequence[DeadLetter]) -> bool:
    """Prints them, fitted to the terminal; text is never markup. False where what draws tables is not installed: it
    comes with the console, and a worker needs none of it."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    for name, ratio in _COLUMNS.items():
        table.add_column(name, ratio=ratio, no_wrap=ratio is None, overflow="fold")
    for one in letters:
        times = f" (written {one.times} times)" if one.times > 1 else ""
        why = f"{safe(one.stage)}: {safe(one.message)}{times}"
        table.add_row(*map(Text, (str(one.number), moment(one.stored_at), safe(one.name), why)))
    if letters:
        Console().print(table)
    return True
