"""Which jars are fetched: those of Kafka for everybody, the others for whoever names them."""

from __future__ import annotations

import sys

import pytest

from deploy.local import jars


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [([], [jars.KAFKA]), (["--sets", "connect", "debezium"], [jars.CONNECT, jars.DEBEZIUM])],
)
def test_only_what_was_named_is_fetched(
    arguments: list[str], wanted: list[jars.JarSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A demo needs no Debezium."""
    fetched: list[jars.JarSet] = []
    monkeypatch.setattr(sys, "argv", ["jars", *arguments])
    monkeypatch.setattr(jars, "ensure_jars", lambda _say, one: fetched.append(one))
    assert jars.main() == 0
    assert fetched == wanted


def test_what_connect_brings_is_in_no_plug_in() -> None:
    """Two Kafka clients in one process would not know each other's classes."""
    names = [line.split()[1] for line in jars.DEBEZIUM.lock.read_text().splitlines()]
    assert any(name.startswith("io/debezium/debezium-connector-postgres/") for name in names)
    assert [
        name for name in names if name.startswith(tuple(group.replace(".", "/") for group in jars.DEBEZIUM.given))
    ] == []
