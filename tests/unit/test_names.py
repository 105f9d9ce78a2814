"""Names and fact ids as numbers, in little memory."""

from __future__ import annotations

from streams.join.names import NONE, FactIds, Names


def test_names_are_numbered_as_they_come() -> None:
    """The same again is the same number; asking does not number."""
    names = Names()
    assert [names[name] for name in ("w028", "w031", "w028")] == [0, 1, 0]
    assert names.get("w033") is None
    assert names.all == ["w028", "w031"]


def test_facts_are_numbered_by_feed_and_id() -> None:
    """One id of two feeds is two facts; a slash in an id is part of it."""
    ids = FactIds()
    said = [("staff", "a/b"), ("cases", "a/b"), ("staff", "a"), ("staff", "a/b")]
    assert [ids.number(*one) for one in said] == [(0, True), (1, True), (2, True), (0, False)]
    assert [ids.find(*one) for one in said] == [0, 1, 2, 0]
    assert ids.find("staff", "b") == NONE
    assert [ids.text(number) for number in range(3)] == said[:3]


def test_many_are_found_again_and_take_little() -> None:
    """The table grows on the way; 40 bytes each and the text."""
    ids = FactIds()
    said = [("assignments", f"as-{n}") for n in range(50_000)]
    assert [ids.number(*one) for one in said] == [(n, True) for n in range(50_000)]
    assert [ids.find(*one) for one in said] == list(range(50_000))
    assert len(ids) == 50_000
    assert ids.size() / len(ids) < 20 + 45


def test_ids_of_one_hash_are_told_apart(monkeypatch) -> None:  # type: ignore[no-untyped-def] # the fixture of pytest
    """By their text."""
    monkeypatch.setattr("streams.join.names.hash", lambda text: 7, raising=False)
    ids = FactIds()
    said = [("staff", f"a{n}") for n in range(600)]
    for one in said:
        ids.number(*one)
    assert [ids.find(*one) for one in said] == list(range(600))
    assert ids.find("staff", "b") == NONE
