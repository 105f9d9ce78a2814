"""What stands in the place of a message that nobody must look at, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import QuarantinedError, RejectedInputError
from streams.policy.aside import NotRead, SetAside, fault, rejected, set_aside
from streams.sources import Translated
from tests.harness.builders import make_access
from tests.harness.judging import APPENDED, judging, messages

KILLER = QuarantinedError("message", "ended two workers")


def test_what_was_set_aside_stands_in_its_place() -> None:
    """With its offset and append time, empty, and with a letter of its own that has the original."""
    [original] = messages(b"killer", first=991)
    stands = set_aside(original, KILLER)
    assert (stands.offset, stands.timestamp, stands.value, stands.key) == (991, APPENDED, b"", None)
    assert stands.timestamp_type == 1  # LogAppendTime, as on every topic
    assert isinstance(stands.value, NotRead)
    assert (stands.value.error, stands.value.message, stands.value.has_letter) == (KILLER, original, True)


def test_what_was_never_unpacked_is_told_once() -> None:
    """By the letter that speaks of all offsets up to one; the others have none."""
    assert NotRead(KILLER, through=995).has_letter
    assert NotRead(KILLER, through=0).has_letter
    assert not NotRead(KILLER).has_letter


def test_a_letter_has_the_original_where_there_is_one() -> None:
    """Otherwise what stands there."""
    [original] = messages(b"killer", first=991)
    stands = set_aside(original, KILLER)
    told = rejected(stands, KILLER)
    assert (told.message, told.stage, told.error) == (original, "quarantine", KILLER)
    unread = SetAside(992, APPENDED, NotRead(KILLER, through=995))
    assert rejected(unread, KILLER).message is unread
    bad = RejectedInputError("actor", "is missing")
    told = rejected(original, bad)
    assert (told.message, told.stage, told.error) == (original, "translate", bad)


def test_a_fault_is_told_by_where_it_was_raised() -> None:
    """Not by its text, which may repeat what was in the message; deepest place last."""

    def inner() -> None:
        raise LookupError("jdoe12")

    def outer() -> None:
        inner()

    line = inner.__code__.co_firstlineno + 1
    with pytest.raises(LookupError) as raised:
        outer()
    assert fault(raised.value) == f"LookupError at test_aside.py:{line}"
    assert fault(LookupError("jdoe12")) == "LookupError"


@pytest.mark.parametrize(("failures", "is_read"), [(0, True), (1, True), (2, False)])
def test_a_message_that_fails_its_reader_once_is_read_again(failures: int, is_read: bool) -> None:
    """Twice, and it is set aside."""
    judge, [message] = judging(), messages(make_access())
    translate, left = judge.translate, iter([LookupError("jdoe12")] * failures)

    def fails(*said: Any) -> Translated:
        for error in left:
            raise error
        return translate(*said)

    judge.translate = fails
    if is_read:
        assert judge.read("ecms", message) == translate("ecms", message.value, message.headers, message.timestamp)
    else:
        with pytest.raises(QuarantinedError) as raised:
            judge.read("ecms", message)
        assert "jdoe12" not in str(raised.value)
