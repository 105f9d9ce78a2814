"""The registry's word on our own sources: what is expected of them and known of their numbers, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from schemas.errors import RejectedInputError
from schemas.registry import entries_in, is_declared, read_registry, registered, registry_hash, times_in, written_times
from schemas.registry_expected import EXPECTED
from schemas.settings import Settings
from schemas.topics import SOURCES, Source
from sinks.watch.running import Watch
from streams.intake.running import Shown
from tests.unit.test_calendar import TABLE
from tests.unit.test_registry_keys import KEY

ECMS = """
[expected.ecms]
heard_every_seconds = 90
hours = "08:00-17:00"
workdays_only = true
due = "07:00"
due_within_hours = 3
is_online = false
numbers_since = "2026-03-01T05:00:00Z"
never_given = [[17, 19]]
"""


def sources_of(text: str) -> dict[str, Source]:
    """All that there are with this registry."""
    return {**SOURCES, **entries_in(text.encode())}


def test_all_that_is_expected_of_a_source_of_ours_may_be_said() -> None:
    """A page that stands can be ended without a change of code; how an access is judged stays as it is."""
    found = sources_of(ECMS + KEY + TABLE)
    said, was = dataclasses.asdict(found["ecms"]), dataclasses.asdict(SOURCES["ecms"])
    assert {field for field in said if said[field] != was[field]} == {*EXPECTED, "keys"}
    assert (said["heard_every_seconds"], said["never_given"]) == (90, ((17, 19),))
    assert times_in(found["ecms"]) == times_in(SOURCES["ecms"])
    assert written_times(found, "ecms") is None
    assert list(registered(found)) == ["kiosk"]


def test_what_is_not_said_stays_as_it_is_in_the_table() -> None:
    """And what the table has can be taken back."""
    assert sources_of("[expected.facts]\nnever_given = [[5, 9]]")["facts"].due == "06:00"
    assert sources_of('[expected.facts]\ndue = ""')["facts"].due is None
    assert sources_of("[expected.paper]\nworkdays_only = false")["paper"].due == "17:00"


def test_processes_that_expect_something_else_have_another_registry(tmp_path: Path) -> None:
    """RegistryDiverging tells of a watch that was not started again."""
    texts = ("", ECMS, ECMS.replace("19", "20"), KEY, ECMS + KEY)
    assert len({registry_hash(sources_of(text)) for text in texts}) == len(texts)
    file = tmp_path / "sources.toml"
    file.write_text(ECMS)
    assert registry_hash(read_registry(file)) == registry_hash(sources_of(ECMS))


def test_whoever_watches_or_receives_shows_which_registry_it_has(tmp_path: Path) -> None:
    """As a worker does, so that one which was not started again is noticed."""
    file = tmp_path / "sources.toml"
    file.write_text(ECMS + TABLE)
    settings = Settings(data_dir=tmp_path, sources_file=file)
    shown = f'sources_hash="{registry_hash(settings.sources)[:12]}"'
    for name, page in (
        ("needtoknow_watch_info", Watch(settings).page()),
        ("needtoknow_intake_info", Shown(settings.sources).page()),
    ):
        [line] = [line for line in page.decode().splitlines() if line.startswith(name)]
        assert shown in line


def test_what_an_installation_has_declared_is_known() -> None:
    """Of those nothing is a default."""
    found = sources_of(ECMS + KEY.replace("ecms", "jnet") + TABLE)
    declared = [name for name, source in found.items() if is_declared(source)]
    assert declared == ["ecms", "kiosk"]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("expected = 7", "expected", "must be tables"),
        ("[[expected.ecms]]\nis_online = true", "expected.ecms", "must be a table"),
        (TABLE + "[expected.kiosk]\nis_online = true", "expected.kiosk", "[sources.kiosk]"),
        ("[expected.nobody]\nis_online = true", "expected.nobody", "is no source of ours"),
        ("[expected.ecms]\nclock_error_ms = 5", "expected.ecms.clock_error_ms", "is unknown; there are is_online"),
        ("[expected.ecms]\nprecision_ms = 5", "expected.ecms.precision_ms", "is unknown"),
        ("[expected.ecms]\nzone = 'UTC'", "expected.ecms.zone", "is unknown"),
        ("[expected.ecms]\nname = 'jnet'", "expected.ecms.name", "is unknown"),
        ("[expected.ecms]\nkeys = []", "expected.ecms.keys", "is unknown"),
        ("[expected.ecms]\nhas_tombstones = true", "expected.ecms.has_tombstones", "is unknown"),
        ("[expected.ecms]\nis_online = 'yes'", "expected.ecms.is_online", "bool"),
        ("[expected.ecms]\nheard_every_seconds = '9'", "expected.ecms.heard_every_seconds", "int"),
        ("[expected.ecms]\nheard_every_seconds = -1", "expected.ecms.heard_every_seconds", "must be from 1"),
        ("[expected.ecms]\nnever_given = [[9, 5]]", "expected.ecms.never_given", "must be ranges"),
        ("[expected.ecms]\nnever_given = [[9]]", "expected.ecms.never_given.0", "required"),
        ("[expected.ecms]\ndue = '6:00'", "expected.ecms.due", "must be a time of day"),
        ("[expected.ecms]\nnumbers_since = ''", "expected.ecms.numbers_since", ""),
        ("[expected.ecms]\ndue_within_hours = 1" + "0" * 30, "expected.ecms", "too large"),
    ],
)
def test_what_is_wrong_is_named_by_source_and_field(text: str, place: str, reason: str) -> None:
    """And nothing is left to a default because it was misspelled."""
    with pytest.raises(RejectedInputError) as caught:
        entries_in(text.encode())
    assert caught.value.place.startswith(place)
    assert reason in str(caught.value)
