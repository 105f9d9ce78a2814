"""The registry: an entry makes a source, whatever is wrong is named by entry and field, and nothing of ours changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path

import orjson
import pytest

from schemas.codec import decode_access, encode
from schemas.errors import RejectedInputError
from schemas.fact import Fact
from schemas.ids import SourceName, format_instant
from schemas.ledger import Times
from schemas.metrics import CATALOGUE, label_values
from schemas.registry import (
    CLOCK_ERROR_MAX_MS,
    ENTRIES_MAX,
    FILE_MAX,
    TITLE_MAX,
    Sources,
    _nothing_unknown,
    entries_in,
    read_registry,
    registry_hash,
    times_in,
    written_times,
)
from schemas.settings import Settings
from schemas.topics import CANONICAL, DAY_MS, FACTS_LINE, HEARTBEAT, SOURCES, Source, Topics
from sinks.cli.csv_facts import fact_rows
from sinks.cli.main import COMMANDS, cli, run
from sinks.cli.outgoing import STRANGE_MAX, fact_lines, misspelt, strange_sources
from streams.intake.running import Shown
from streams.sources import BUILT_IN, Translators
from streams.telemetry import Telemetry
from tests.harness.builders import account, assignment, at, make_access, supervision

KIOSK = """
[sources.kiosk]
title = "records room kiosk"
zone = "America/New_York"
precision_ms = 1000
clock_error_ms = 2000
"""
TABLE = "[sources.kiosk]\ntitle = 't'\n"
PAGE = Path(__file__).parents[2] / "deploy" / "publishing" / "register.md"
LATER = at("2026-01-09")


def with_kiosk(text: str = KIOSK) -> Sources:
    """All sources, with those of this registry."""
    return {**SOURCES, **entries_in(text.encode())}


def sent(source: SourceName, **fields: str) -> bytes:
    """An access as canonical JSON, its times as they are given."""
    return orjson.dumps(orjson.loads(encode(make_access(source=source))) | fields)


# --- an entry makes a source


def test_an_entry_makes_a_source() -> None:
    """All that can be said of one is what the entry says; the rest is as it is for ours."""
    assert entries_in(KIOSK.encode()) == {
        "kiosk": Source(
            name="kiosk", title="records room kiosk", zone="America/New_York", precision_ms=1_000, clock_error_ms=2_000
        )
    }
    assert entries_in(TABLE.encode()) == {"kiosk": Source(name="kiosk", title="t")}
    assert entries_in(b"") == {}
    assert entries_in(f"{TABLE}[sources.gate_2]\ntitle = 'g'".encode()).keys() == {"kiosk", "gate_2"}


def test_a_registry_adds_to_the_sources_that_there_are(tmp_path: Path) -> None:
    """Without one there are ours; with one these too, with a topic, and a value of the metrics' label."""
    file = tmp_path / "sources.toml"
    file.write_text(KIOSK, encoding="utf-8")
    settings = Settings(sources_file=file, topic_prefix="t7.")
    assert list(settings.sources) == [*SOURCES, "kiosk"]
    assert settings.topics.accesses()["t7.access.kiosk.v1"] == "kiosk"
    [topic] = [topic for topic in settings.topics.all() if topic.name == "t7.access.kiosk.v1"]
    assert (topic.partitions, topic.keep_days) == (4, 800)
    page = Telemetry(given={"source": tuple(settings.sources)}).page()
    assert b'needtoknow_messages_total{kind="dead_letter",source="kiosk"} 0.0' in page
    assert Settings().sources == SOURCES


def test_no_counter_of_a_registered_source_appears_with_its_first_count() -> None:
    """Prometheus would see no increase: each stands at 0 from the start, those of the receiver as well."""
    sources = with_kiosk()
    for page in (Telemetry(given={"source": tuple(sources)}).page(), Shown(sources).page()):
        lines = [line for line in page.decode().splitlines() if "_created{" not in line]
        ours, theirs = ([line for line in lines if f'source="{name}"' in line] for name in ("ecms", "kiosk"))
        assert ours
        assert theirs == [line.replace('source="ecms"', 'source="kiosk"') for line in ours]
    values = set(label_values(CATALOGUE["needtoknow_intake_requests_total"], {"source": ("kiosk",)}))
    assert {source for source, _ in values} == {"kiosk"}


def test_a_registry_is_read_once(tmp_path: Path) -> None:
    """A process that runs must not change its mind when somebody edits the file."""
    file = tmp_path / "sources.toml"
    file.write_text(KIOSK, encoding="utf-8")
    settings = Settings(sources_file=file)
    assert "kiosk" in settings.sources
    file.write_text("", encoding="utf-8")
    assert "kiosk" in settings.sources


# --- what is wrong is named


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("[sources.kiosk]", "sources.kiosk.title", "Field required"),
        (f"{TABLE}clok_error_ms = 2", "sources.kiosk.clok_error_ms", "is unknown; there are title, zone, "),
        (f"{TABLE}clock_error_ms = '2'", "sources.kiosk.clock_error_ms", "valid integer"),
        (f"{TABLE}clock_error_ms = 2.5", "sources.kiosk.clock_error_ms", "valid integer"),
        (f"{TABLE}clock_error_ms = -1", "sources.kiosk.clock_error_ms", f"must be from 0 to {CLOCK_ERROR_MAX_MS}"),
        (f"{TABLE}clock_error_ms = {CLOCK_ERROR_MAX_MS + 1}", "sources.kiosk.clock_error_ms", "must be from 0"),
        (f"{TABLE}clock_error_ms = {10**30}", "sources.kiosk", "a number that is too large"),
        (f"{TABLE}precision_ms = 0", "sources.kiosk.precision_ms", f"must be from 1 to {DAY_MS}"),
        (f"{TABLE}precision_ms = {DAY_MS + 1}", "sources.kiosk.precision_ms", "must be from 1"),
        (f"{TABLE}precision_ms = true", "sources.kiosk.precision_ms", "valid integer"),
        (f"{TABLE}zone = 'Mars/Olympus'", "sources.kiosk.zone", "must be a zone of the IANA database"),
        (f"{TABLE}zone = '../../etc/passwd'", "sources.kiosk.zone", "must be a zone"),
        (f"{TABLE}zone = '{'a' * 300}'", "sources.kiosk.zone", "must be a zone"),
        (f"{TABLE}zone = ''", "sources.kiosk.zone", "must be a zone"),
        (f"{TABLE}accounts = 'gate'", "sources.kiosk.accounts", "must be another source"),
        (f"{TABLE}accounts = 'kiosk'", "sources.kiosk.accounts", "must be another source"),
        (f"{TABLE}accounts = 'console'", "sources.kiosk.accounts", "is not the console"),
        (f"{TABLE}accounts = ''", "sources.kiosk.accounts", "pattern"),
        (
            f"{TABLE}accounts = 'gate'\n[sources.gate]\ntitle = 't'\naccounts = 'ecms'",
            "sources.kiosk.accounts",
            "has logins of its own",
        ),
        (f"{TABLE}has_tombstones = true", "sources.kiosk.has_tombstones", "is read by code"),
        (f"{TABLE}content_types = ['{FACTS_LINE}']", "sources.kiosk.content_types", "is read by code"),
        (f"{TABLE}name = 'ecms'", "sources.kiosk.name", "the name of the table is the name"),
        ("[sources.kiosk]\ntitle = ' '", "sources.kiosk.title", "printable characters"),
        ('[sources.kiosk]\ntitle = "a\\u001b[2J"', "sources.kiosk.title", "printable characters"),
        (f"[sources.kiosk]\ntitle = '{'x' * (TITLE_MAX + 1)}'", "sources.kiosk.title", "printable characters"),
        ("[sources.Kiosk]\ntitle = 't'", "sources.Kiosk", "must be named by a small letter"),
        ("[sources.'a.b']\ntitle = 't'", "sources.a.b", "must be named by a small letter"),
        (f"[sources.{'k' * 33}]\ntitle = 't'", f"sources.{'k' * 33}", "must be named"),
        ("[sources]\nkiosk = 1", "sources.kiosk", "must be a table"),
        ("[[sources.kiosk]]\ntitle = 't'", "sources.kiosk", "must be a table"),
        ("sources = 1", "sources", "must be tables"),
        ("[kiosk]\ntitle = 't'", "registry.kiosk", "is unknown: entries are tables [sources.NAME] or [expected.NAME]"),
        (f"{TABLE}{TABLE}", "registry", "is not TOML"),
        ("x = " + "[" * 5_000, "registry", "is not TOML"),
        ("#" * (FILE_MAX + 1), "registry", "is larger than"),
        (
            "".join(f"[sources.k{n}]\ntitle = 't'\n" for n in range(ENTRIES_MAX + 1)),
            "sources",
            f"must be at most {ENTRIES_MAX}",
        ),
    ],
)
def test_what_is_wrong_is_named_by_entry_and_field(text: str, place: str, reason: str) -> None:
    """Whoever wrote it finds it; a field that is misspelled is not left to its default."""
    with pytest.raises(RejectedInputError) as refused:
        entries_in(text.encode())
    assert refused.value.place == place
    assert reason in refused.value.reason


def test_bytes_that_are_no_text_are_named() -> None:
    """By their place."""
    with pytest.raises(RejectedInputError, match="registry: is not UTF-8 at byte 1"):
        entries_in(b"#\xff")


@pytest.mark.parametrize("name", SOURCES)
def test_what_our_own_sources_mean_cannot_be_changed(name: str) -> None:
    """The console among them: whoever could redefine it could hide what is seen there."""
    with pytest.raises(RejectedInputError, match=f"sources.{name}: is a source of ours"):
        entries_in(f"[sources.{name}]\ntitle = 't'".encode())


@dataclass(frozen=True)
class _Inner:
    hour: int


@dataclass(frozen=True)
class _Outer:
    due: tuple[_Inner, ...]
    calm: _Inner


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({"due": [{"hour": 6}, {"hour": 7, "minit": 30}], "calm": {"hour": 6}}, "sources.kiosk.due.2.minit"),
        ({"due": [], "calm": {"hour": 6, "days": []}}, "sources.kiosk.calm.days"),
    ],
)
def test_what_is_misspelled_deeper_down_is_named_too(raw: dict[str, object], place: str) -> None:
    """A field of a source may have fields of its own."""
    with pytest.raises(RejectedInputError) as refused:
        _nothing_unknown(raw, _Outer(due=(_Inner(6), _Inner(7)), calm=_Inner(6)), "sources.kiosk")
    assert refused.value.place == place


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(
        RejectedInputError, match=r"registry: cannot be read \(No such file or directory\): .*/none\.toml"
    ):
        read_registry(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "command",
    [
        ["topics", "apply"],
        ["verify"],
        ["status"],
        ["send", __file__, "--source", "kiosk"],
        ["replay", "--from", "1h"],
        ["worker"],
    ],
    ids=lambda command: command[0],
)
def test_a_wrong_registry_is_wrong_use_of_every_command(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not the answer of `verify` that something differs: it asks nobody."""
    file = tmp_path / "sources.toml"
    file.write_text(f"{TABLE}precision_ms = 0", encoding="utf-8")
    monkeypatch.setenv("NTK_SOURCES_FILE", str(file))
    assert run(lambda: cli.main(command, standalone_mode=False)) == 2
    assert "NTK_SOURCES_FILE: sources.kiosk.precision_ms: must be from 1 to" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["send", __file__, "--source", "kiosk"],
        ["replay", "--from", "1h", "--source", "kiosk"],
        ["explain", "kiosk", "e1"],
    ],
)
def test_a_source_that_nobody_registered_is_wrong_use(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With the names that there are."""
    assert run(lambda: cli.main(command, standalone_mode=False)) == 2
    assert f"must be one of {', '.join(sorted(SOURCES))}" in capsys.readouterr().err


# --- its hash, and what is written down of it


def test_the_hash_is_of_what_the_registry_says() -> None:
    """Whatever the order of entries and fields is; any other word makes another."""
    two = "[sources.a]\ntitle = 't'\nprecision_ms = 5\n[sources.b]\ntitle = 'u'"
    same = "[sources.b]\ntitle = 'u'\n[sources.a]\nprecision_ms = 5\n# a word\ntitle = 't'"
    assert registry_hash(with_kiosk(two)) == registry_hash(with_kiosk(same))
    others = [two.replace("5", "6"), two.replace("'u'", "'v'"), two.replace(".a", ".c"), ""]
    assert len({registry_hash(with_kiosk(text)) for text in (two, *others)}) == 5
    assert registry_hash(SOURCES) == registry_hash(with_kiosk(""))


def test_the_times_of_entries_are_written_down_and_those_of_ours_are_not() -> None:
    """Ours change with the code, as their translators do."""
    sources = with_kiosk()
    assert written_times(sources, "kiosk") == Times(precision_ms=1_000, clock_error_ms=2_000)
    assert [written_times(sources, name) for name in (*SOURCES, "nobody")] == [None] * (len(SOURCES) + 1)
    assert times_in(SOURCES["facts"]) == Times(precision_ms=1, clock_error_ms=0)


# --- how its messages are read


@pytest.mark.parametrize(
    ("entry", "fields", "begins", "ends"),
    [
        ("", {"occurred_at": "2026-01-05T15:00:00Z"}, "15:00:00.000", None),
        ("precision_ms = 1000", {"occurred_at": "2026-01-05T15:00:00Z"}, "15:00:00.000", "15:00:00.999"),
        ("clock_error_ms = 2000", {"occurred_at": "2026-01-05T15:00:00Z"}, "14:59:58.000", "15:00:02.000"),
        (
            "precision_ms = 1000\nclock_error_ms = 2000",
            {"occurred_at": "2026-01-05T15:00:00Z"},
            "14:59:58.000",
            "15:00:02.999",
        ),
        (
            "precision_ms = 1000\nclock_error_ms = 2000",
            {"occurred_at": "2026-01-05T15:00:00Z", "occurred_until": "2026-01-05T15:00:05Z"},
            "14:59:58.000",
            "15:00:07.000",
        ),
    ],
)
def test_a_time_is_all_that_its_entry_says_it_may_mean(
    entry: str, fields: dict[str, str], begins: str, ends: str | None
) -> None:
    """What it cuts off, what the clock leaves open, both; an end that the access names itself is not cut off."""
    translators = Translators(Topics(sources=with_kiosk(TABLE + entry)))
    [access] = translators.translate("kiosk", sent("kiosk", **fields), (), LATER).accesses
    assert format_instant(access.occurred_at) == f"2026-01-05T{begins}Z"
    found = None if access.occurred_until is None else format_instant(access.occurred_until)
    assert found == (None if ends is None else f"2026-01-05T{ends}Z")
    assert translators.reads_in_bulk("kiosk") == (ends is None)


def test_a_precision_of_native_messages_is_none_of_canonical_json() -> None:
    """FACTS writes seconds, and what stands beside its lines tells instants, as it did before there were entries."""
    value = sent("facts")
    for translators in (BUILT_IN, Translators(Topics(sources=with_kiosk()))):
        assert translators.translate("facts", value, (), LATER).accesses == (decode_access(value),)
        assert all(translators.reads_in_bulk(name) for name in SOURCES)


def test_an_entry_may_send_canonical_json_and_heartbeats_and_nothing_else() -> None:
    """Native messages need a translator, and another's name is refused."""
    translators, value = Translators(Topics(sources=with_kiosk())), sent("kiosk")
    assert len(translators.translate("kiosk", value, (("content-type", CANONICAL.encode()),), LATER).accesses) == 1
    with pytest.raises(RejectedInputError, match=re.escape(f"must be one of {CANONICAL}, {HEARTBEAT} on this topic")):
        translators.translate("kiosk", value, (("content-type", FACTS_LINE.encode()),), LATER)
    with pytest.raises(RejectedInputError, match="source: must be the source whose topic this is"):
        translators.translate("kiosk", sent("ecms"), (), LATER)
    with pytest.raises(RejectedInputError, match="message: is empty"):
        translators.translate("kiosk", b"", (), LATER)


# --- topics that nobody registered


def test_topics_of_accesses_that_nobody_registered_are_found() -> None:
    """Of this installation only; a version of a topic that nobody reads counts, too."""
    topics = Topics("t7.", with_kiosk())
    names = [topic.name for topic in topics.all()]
    assert topics.unregistered(names) == ()
    more = [
        "t7.access.gate.v1",
        "t7.access.ecms.v2",
        "t7.access.",
        "access.gate.v1",
        "t8.access.gate.v1",
        "t7.feed.x.v1",
    ]
    assert topics.unregistered([*names, *more]) == ("t7.access.", "t7.access.ecms.v2", "t7.access.gate.v1")
    assert Topics("t7.").unregistered(names) == ("t7.access.kiosk.v1",)


# --- the page for whoever registers


def test_the_page_for_whoever_registers_is_true_and_fits_a_screen() -> None:
    """Its entry is one, its account can be loaded, and its commands are there."""
    page = PAGE.read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 55
    [entry], [accounts] = (re.findall(rf"^```{kind}\n(.*?)^```", page, re.M | re.S) for kind in ("toml", "csv"))
    assert entries_in(entry.encode()) == entries_in(KIOSK.encode())
    messages = list(fact_rows(accounts.encode(), "staff"))
    assert strange_sources(messages, SOURCES) == ["kiosk"]
    assert strange_sources(messages, with_kiosk()) == []
    assert {line.split()[1] for line in re.findall(r"^    (needtoknow .*)$", page, re.M)} <= set(COMMANDS)


def test_the_page_names_all_that_may_be_expected_of_a_source() -> None:
    """Whoever is sent to an entry by a page must find the field there, and may copy what stands in the table."""
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page, re.M)
    lines = [line for row in rows for line in re.findall(r"`(.+? = .+?)`", row)]
    (made,) = entries_in("\n".join([KIOSK, *lines]).encode()).values()
    named = {line.partition(" ")[0] for line in lines}
    assert named == {f.name for f in fields(Source)} - {
        *("name", "title", "zone", "precision_ms", "clock_error_ms"),
        *("content_types", "has_tombstones", "keys", "accounts"),
    }
    assert (made.due, made.hours, made.never_given) == ("06:00", "08:00-17:00", ((17, 19),))


def test_strange_sources_are_told_in_one_line() -> None:
    """However many a file names; facts of other kinds name none."""
    facts = [account("k1", "w028", source=f"k{n:03d}") for n in range(STRANGE_MAX + 1)]
    lines = [encode(fact) for fact in (*facts, account("j1", "w031"), supervision("s03", "w028"))]
    assert strange_sources(fact_lines(lines, "staff"), SOURCES) == [f"k{n:03d}" for n in range(STRANGE_MAX)]


@pytest.mark.parametrize(
    ("login", "is_wrong"),
    [
        ("NIEF:IDP:PHILA-DHS:USER:JDoe@dhs.example", False),
        ("NIEF:TIB:PORTAL:IDP:PHILA-DHS:USER:j", False),
        ("NIEF:IDP:Phila-DHS:USER:jdoe", True),
        ("nief:idp:phila-dhs:user:jdoe", True),
        ("jdoe", True),
        ('NIEF:IDP:PHILA-DHS:USER:j"\\doe', False),
    ],
)
def test_an_account_of_jnet_that_no_message_can_have_is_seen(login: str, is_wrong: bool) -> None:
    """Messages are folded, accounts are not: spelled alike in both they would still not meet."""
    facts = [account(login, "w028", source="jnet"), account(login, "w028", source="ecms"), assignment("w028")]
    found = [misspelt(message) for fact in facts for message in fact_lines([encode(fact)], feed_of(fact))]
    assert found == [is_wrong, False, False]


def feed_of(fact: Fact) -> str:
    """The feed that states facts of this kind."""
    return "staff" if fact.body.kind == "account" else "assignments"
