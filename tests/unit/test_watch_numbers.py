"""Missing numbers: since when, how many, and when they turn up after all."""

from __future__ import annotations

from sinks.watch.numbers import Gap, Numbers


def test_one_number_left_out_is_missing_since_a_higher_one_came() -> None:
    """Exactly it, from that moment on."""
    numbers = Numbers()
    numbers.see([(5, 9)], None, at=1_000)
    numbers.see([(11, 12)], None, at=2_000)
    assert numbers.gaps == (Gap(10, 10, 2_000),)
    assert numbers.due(1_999) == ()
    assert numbers.due(2_000) == (Gap(10, 10, 2_000),)


def test_a_number_that_turns_up_is_missing_no_more() -> None:
    """Late, from another partition, is not lost."""
    numbers = Numbers()
    numbers.see([(5, 9), (11, 12)], None, at=2_000)
    numbers.see([(10, 10)], None, at=3_000)
    assert numbers.gaps == ()
    assert numbers.missing == 0


def test_a_source_that_is_new_to_us_has_nothing_missing_below() -> None:
    """A system that has counted for years begins to publish."""
    numbers = Numbers()
    numbers.see([(4_000_711, 4_000_720)], None, at=1_000)
    assert numbers.gaps == ()


def test_the_last_message_before_a_silence_is_missed_by_the_word_of_its_source() -> None:
    """No higher number ever comes; a heartbeat says that there was one more."""
    numbers = Numbers()
    numbers.see([(1, 9)], None, at=1_000)
    numbers.see([], 10, at=5_000)
    assert numbers.gaps == (Gap(10, 10, 5_000),)


def test_a_word_alone_makes_nothing_before_it_missing() -> None:
    """Who only sends heartbeats until now has been counting before anybody listened."""
    numbers = Numbers()
    numbers.see([], 700, at=1_000)
    assert numbers.gaps == ()
    numbers.see([], 702, at=2_000)
    assert numbers.gaps == (Gap(701, 702, 2_000),)


def test_numbers_that_come_again_are_counted_as_such() -> None:
    """Many of them are how a numbering shows that began anew without anybody saying so."""
    numbers = Numbers()
    numbers.see([(1, 9)], None, at=1_000)
    numbers.see([(1, 4), (12, 12)], None, at=2_000)
    assert numbers.again == 4


def test_a_billion_missing_numbers_take_the_room_of_one() -> None:
    """A number that was mistyped must not fill memory."""
    numbers = Numbers()
    numbers.see([(1, 1), (2**63 - 1, 2**63 - 1)], None, at=1_000)
    assert numbers.missing == 2**63 - 3
    assert len(numbers.gaps) == 1


def test_words_about_ever_more_join_before_anything_is_forgotten() -> None:
    """Heartbeats go on while no access comes: no number is let go of."""
    numbers = Numbers(gaps_max=3)
    numbers.see([(1, 1)], None, at=0)
    for beat in range(2, 50):
        numbers.see([], beat, at=beat)
    assert (numbers.missing, numbers.forgotten) == (48, 0)
