"""Names and fact ids as numbers, in little memory."""

from __future__ import annotations

import tracemalloc

from streams.join.names import FactIds, Names


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
    assert [ids.text(number) for number in range(3)] == said[:3]


def test_many_are_found_again_and_take_little() -> None:
    """The table grows on the way; 40 bytes each and the text."""
    ids = FactIds()
    said = [("assignments", f"as-{n}") for n in range(50_000)]
    tracemalloc.start()
    are_new = all(ids.number(*one) == (n, True) for n, one in enumerate(said))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert are_new
    assert [ids.number(*one) for one in said] == [(n, False) for n in range(50_000)]
    assert len(ids) == 50_000
    assert taken / len(ids) < 20 + 45


def test_ids_of_one_hash_are_told_apart(monkeypatch) -> None:  # type: ignore[no-untyped-def] # the fixture of pytest
    """By their text."""
    monkeypatch.setattr("streams.join.names.hash", lambda text: 7, raising=False)
    ids = FactIds()
    said = [("staff", f"a{n}") for n in range(600)]
    assert [ids.number(*one) for one in said] == [(n, True) for n in range(600)]
    assert [ids.number(*one) for one in said] == [(n, False) for n in range(600)]


def test_what_was_put_away_is_found_by_its_number() -> None:
    """And goes on from there; of many, and of none."""
    for many in (0, 1, 600, 5_000):
        before, ids = FactIds(), FactIds()
        for number in range(many):
            before.number("staff", f"a{number}")
        ids.put(*before.columns())
        assert [ids.number("staff", f"a{n}") for n in range(many + 700)] == [(n, n >= many) for n in range(many + 700)]
        assert ids.text(many // 2) == ("staff", f"a{many // 2}")


def test_the_table_has_room_for_twice_as_many_and_not_for_many_more() -> None:
    """A power of two of slots, so that each hash has its place; it grows when half are used, and not before."""
    ids = FactIds()
    sizes = set()
    for number in range(3_000):
        ids.number("staff", f"a{number}")
        sizes.add(len(ids._slots))
        assert len(ids) <= len(ids._slots) // 2 + 1
        assert number < 500 or 4 * len(ids) >= len(ids._slots)
    assert sizes == {1_024, 2_048, 4_096, 8_192}
    put = FactIds()
    put.put(*ids.columns())
    assert len(put._slots) == 8_192


def test_names_that_were_put_away_keep_their_numbers() -> None:
    """And the next one goes on from there."""
    names = Names()
    names.put(["w031", "w028"])
    assert [names[name] for name in ("w028", "w031", "w033")] == [1, 0, 2]
    assert names.all == ["w031", "w028", "w033"]
