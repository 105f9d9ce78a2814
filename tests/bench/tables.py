"""Columns of text. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence


def table(lines: Sequence[Sequence[str]], left: Container[int] = (0,)) -> str:
    """Columns as wide as they must be; those of `left` to the left, the rest to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )
