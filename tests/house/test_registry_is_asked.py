"""Whoever judges, counts or reads accesses asks the registry of its settings, not the table in code alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.house.test_house import ROOT, sources

MAY: Final = {
    "SOURCES": {
        "schemas/asyncapi.py": "describes what there is without a registry",
        "schemas/metrics.py": "values of a label where there is no registry; a worker gives those of its own",
        "schemas/publish.py": "publishes what there is without a registry",
        "schemas/registry.py": "adds to them",
        "schemas/topics.py": "has them",
        "sinks/cli/letter_lines.py": "content types, which are of our own sources only",
        "sinks/ledger/logs.py": "of logs that are looked at without a registry",
        "streams/sources/accurint_row.py": "of its own source",
        "streams/sources/clean.py": "of its own source",
        "streams/sources/facts.py": "of its own source",
        "streams/sources/irss.py": "of its own source",
        "streams/sources/local_time.py": "of translators' own sources",
    },
    "translate": {
        "sinks/cli/follow.py": "asks whether a line would be read, and of no times",
        "sinks/cli/layouts.py": "files that only our own sources write",
        "sinks/cli/lint.py": "asks whether a record would be read, and of no times",
        "sinks/cli/signing.py": "asks for the number of a message that is not signed yet",
    },
    "BUILT_IN": {},
}
"""By name where it may be imported from `schemas.topics` or `streams.sources`, and why."""


def imported() -> Iterator[tuple[str, str]]:
    """Each of these names and the file that imports or defines it."""
    for file in sources("schemas", "streams", "sinks"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(("topics", "sources")):
                yield from ((alias.name, str(file.relative_to(ROOT))) for alias in node.names)


@pytest.mark.parametrize("name", MAY)
def test_only_those_with_a_reason_know_our_own_sources_alone(name: str) -> None:
    """Others would take a registered system for none, or its times for instants: ask `settings.sources`, or
    `Translators(settings.topics)`; on the command line `registered_source`."""
    found = {file for known, file in imported() if known == name}
    assert found <= set(MAY[name]), f"{sorted(found - set(MAY[name]))} must ask the registry, or give a reason here"


def test_reasons_are_given_for_what_is_there() -> None:
    """Each file that has a reason to import one does."""
    there = set(imported()) | {("SOURCES", "schemas/topics.py")}
    assert {(name, file) for name, files in MAY.items() for file in files} <= there
