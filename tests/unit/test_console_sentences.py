"""What the console says of alerts and acts, in one sentence each."""

from __future__ import annotations

import pytest

from schemas.act import LookedBack
from sinks.console.sentences import did_words


@pytest.mark.parametrize(
    ("counted", "part", "parts", "words"),
    [
        (0, 1, 1, "looked back: no earlier access of that record"),
        (1, 1, 1, "looked back: 1 earlier access of that record"),
        (3, 1, 1, "looked back: 3 earlier accesses of that record"),
        (250, 2, 2, "looked back: 250 earlier accesses of that record (part 2 of 2)"),
    ],
)
def test_a_look_back_says_how_many_and_counts_its_parts_only_where_there_are_several(
    counted: int, part: int, parts: int, words: str
) -> None:
    """Of one part nobody needs to know that it is the first."""
    body = LookedBack(kind="looked_back", part=part, parts=parts, counted=counted, since=0, accesses=())
    assert did_words(body) == words
