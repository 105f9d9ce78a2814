"""`lint`: what is wrong with a file, told without a broker and without anybody's data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RejectedInputError
from sinks.cli.linting import GROUPS_MAX, Found, fault_at
from sinks.cli.main import cli
from sinks.cli.main import run as exit_code
from sinks.cli.suspects import RANGES_MAX, REMEMBERED_MAX, Numbers, Suspects
from streams.sources.canonical import translate
from tests.contract.examples import ACCESS, FACT

GOLDEN = Path(__file__).parent / "golden"
DATA = ("Zebra", "Quagga")

Lint = Callable[..., tuple[int, str]]


@pytest.fixture
def lint(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lint:
    """Calls the program on these bytes, with no broker anywhere; its exit code and what it says."""
    monkeypatch.setenv("NTK_BROKER", "127.0.0.1:1")

    def call(raw: bytes, *options: str, name: str = "file.jsonl") -> tuple[int, str]:
        (tmp_path / name).write_bytes(raw)
        arguments = ["lint", str(tmp_path / name), *options]
        code = exit_code(lambda: cli.main(arguments, prog_name="needtoknow", standalone_mode=False))
        said = capsys.readouterr()
        assert [word for word in DATA if word in said.out + said.err] == []
        return code, said.out + said.err

    return call


def access(**changes: Any) -> bytes:
    """The example with other fields; None leaves one out."""
    document = orjson.loads(ACCESS) | changes
    return orjson.dumps({name: value for name, value in document.items() if value is not None})


def numbered(count: int) -> list[bytes]:
    """Good accesses, numbered without a gap."""
    return [access(event_id=f"e{number}", sequence=number) for number in range(count)]


def test_a_good_file_is_said_to_be_good(lint: Lint) -> None:
    """And nothing else."""
    assert lint(b"\n".join(numbered(3)) + b"\n", "--source", "ecms") == (0, "3 records: 3 good, 0 wrong\n")


BAD = {
    "a field missing": (access(actor=None), "actor: is missing; write it like"),
    "a word that is none": (access(action="Zebra"), "action: must be one of search, view"),
    "an id with a space": (access(actor="Zebra Quagga"), "actor: must be printable ASCII characters without spaces"),
    "a time without offset": (access(occurred_at="2026-01-05T14:14:03"), "occurred_at: must be an RFC 3339 instant"),
    "a field of somebody's own": (
        access(Zebra="Quagga"),
        "message: has a field that the contract does not know",
    ),
    "another source": (access(source="jnet"), "source: must be the source whose topic this is; write it like"),
    "no JSON": (
        b"Zebra Quagga",
        "byte 0: is not JSON in UTF-8 without a byte order mark; write one",
    ),
    "too large": (access(purpose={"text": "Zebra" * 20_000}), "message: is larger than 65536 bytes"),
}


@pytest.mark.parametrize(("wrong", "told"), BAD.values(), ids=BAD.keys())
def test_a_bad_record_is_told_with_line_field_reason_and_fix(lint: Lint, wrong: bytes, told: str) -> None:
    """The good ones around it are counted."""
    first, second = numbered(2)
    code, said = lint(b"\n".join([first, b"", wrong, second, b""]), "--source", "ecms")
    assert (code, f"line 3: {told}" in said, said.splitlines()[-1]) == (1, True, "3 records: 2 good, 1 wrong"), said


def test_a_thousand_faults_are_told_by_reason(lint: Lint) -> None:
    """With counts and first places; one by one only as many as were asked for."""
    lines = numbered(1_000)
    for number in range(0, 1_000, 2):
        lines[number] = access(actor=None)
    lines[1] = access(action="Zebra")
    code, said = lint(b"\n".join(lines) + b"\n", "--source", "ecms", "--limit", "2", "--json")
    found = orjson.loads(said)
    assert (code, found["records"]["wrong"], found["faults"], len(found["details"])) == (1, 501, 501, 2)
    most, least = found["by_reason"]
    assert (most["field"], most["count"], most["first_lines"]) == ("actor", 500, [1, 3, 5])
    assert (least["field"], least["count"], least["first_lines"]) == ("action", 1, [2])
    assert found["details"][0] == {"line": 1, "field": "actor", "reason": "is missing", "fix": 'write it like "jdoe"'}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([access(occurred_at="2199-01-01T00:00:00Z", sequence=1)], "occurred_at: is more than 24 hours ahead of now"),
        ([ACCESS, ACCESS], "event_id: is there already with the same content"),
        ([ACCESS, access(actor="other")], "event_id: is there already with other content"),
        ([ACCESS, access(event_id="e")], "sequence: is that of another access above"),
        ([access(sequence=None)], "sequence: is absent from 1 accesses"),
        ([access(event_id="a", sequence=3), access(event_id="b", sequence=9)], "leaves out 5 between"),
        ([], "file: holds no access"),
    ],
)
def test_what_is_valid_and_will_be_trouble_is_a_warning(lint: Lint, lines: list[bytes], told: str) -> None:
    """The file may be sent all the same."""
    code, said = lint(b"".join(line + b"\n" for line in lines), "--source", "ecms")
    assert (code, told in said, "warning: " in said) == (0, True, True), said


def test_an_end_that_may_be_cut_off_is_a_warning(lint: Lint) -> None:
    """Whole lines end, and nothing else tells of a file of JSON lines that it is whole."""
    assert "line: has no end" in lint(ACCESS, "--source", "ecms")[1]


NATIVE = [path for path in sorted(GOLDEN.glob("*/*")) if ".expected" not in path.name and path.suffix != ".xml"]


@pytest.mark.parametrize("path", [p for p in NATIVE if p.parent.name not in ("facts2", "jnet")], ids=str)
def test_native_files_are_read_as_send_reads_them(lint: Lint, path: Path) -> None:
    """Every golden file; the records that are wrong in it are as many as it expects to be dead letters."""
    raw = path.read_bytes()
    code, said = lint(raw, "--source", path.parent.name, "--format", "native", "--json", "--limit", "0")
    found = orjson.loads(said)
    expected = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    written = [orjson.loads(line) for line in expected if line.startswith(b'{"event_id"')]
    good = sum(1 + (one.get("requested_for") not in (None, one["actor"])) for one in written)
    assert (code, found["details"]) == (int(found["faults"] > 0), [])
    waiting = sum(one["count"] for one in found["warnings"] if "it is not sent" in one["reason"])  # for the next file
    assert found["records"]["accesses"] + waiting == good
    assert (waiting > 0) == (path.parent.name == "clean" and path.stem == "edges")


def test_a_night_with_a_wrong_line_is_looked_at_to_its_end(lint: Lint) -> None:
    """`send` stops at the first; whoever mends a file wants to know them all."""
    lines = (GOLDEN / "facts" / "night.txt").read_bytes().splitlines()
    lines[2], lines[4] = b"Zebra", lines[4].replace(b"S", b"Z")
    _, said = lint(b"\n".join([*lines[:-1], b""]), "--source", "facts", "--json", name="night.txt")
    places = [(one["line"], one["field"]) for one in orjson.loads(said)["details"]]
    assert places[0] == (3, "line")
    assert places[-1] == (7, "line")
    assert any(line == 5 for line, _ in places)


def test_facts_are_looked_at_too(lint: Lint) -> None:
    """JSON lines and tables, each to its end."""
    code, said = lint(FACT + b"\n" + FACT.replace(b"management", b"Zebra") + b"\n", "--feed", "assignments")
    assert (code, "line 2: body.assignment.role" in said) == (1, True), said
    table = b"kind,fact_id,revision,valid_from,recorded_at,source,login,staff\n"
    row = b"account,ac-%d,1,2026-01-01T00:00:00Z,2026-01-01T08:00:00Z,ecms,%s,w028\n"
    raw = table + row % (1, b"Zebra Quagga") + row % (2, b"jdoe") + row % (3, b"mroe")
    code, said = lint(raw, "--feed", "staff", name="staff.csv")
    assert (code, "line 2: column login" in said, "3 records: 2 good, 1 wrong" in said) == (1, True, True), said
    code, said = lint(
        (table + row % (1, b"NIEF:IDP:Phila:USER:j")).replace(b"ecms", b"jnet"), "--feed", "staff", name="a.csv"
    )
    assert (code, "1 x login: is in no spelling" in said, "capitals up to USER:" in said) == (0, True, True), said


@pytest.mark.parametrize(
    "options",
    [(), ("--source", "ecms", "--feed", "staff"), ("--source", "jnet", "--format", "native"),
     ("--source", "ecms", "--format", "csv"), ("--source", "nobody")],
)  # fmt: skip
def test_wrong_use_is_told_apart_from_a_wrong_file(lint: Lint, options: tuple[str, ...]) -> None:
    """A script that lints before it sends must not take a typing error for a verdict."""
    assert lint(ACCESS, *options)[0] == 2


@given(st.lists(st.integers(0, 30), max_size=40))
def test_numbers_are_kept_as_a_set_would_keep_them(numbers: list[int]) -> None:
    """In any order, with repeats."""
    kept, seen = Numbers(), set[int]()
    for number in numbers:
        assert kept.add(number) == (number not in seen)
        seen.add(number)
    assert kept.missing == (max(seen) - min(seen) + 1 - len(seen) if seen else 0)


def test_no_file_fills_memory() -> None:
    """Ids, numbers and kinds of fault are each bounded, and what is beyond is said or let go of."""
    found = Found(limit=5)
    suspects = Suspects(found, now=0, asks_for_numbers=True)
    (one,) = translate("ecms", ACCESS).accesses
    for number in range(REMEMBERED_MAX + 9):
        suspects.look(1, one.model_copy(update={"event_id": f"e{number}", "sequence": 2 * number, "occurred_at": 0}))
    suspects.end()
    assert len(suspects.seen) == REMEMBERED_MAX
    assert len(suspects.numbers.firsts) == RANGES_MAX
    assert ["not looked at further" in group.reason for group in found.warnings] == [True]
    for number in range(GROUPS_MAX + 9):
        name = "".join(chr(97 + int(digit)) for digit in str(number))
        found.add_fault(fault_at(number, RejectedInputError(name, "is wrong")))
    assert (len(found.faults.kinds), found.faults.count, len(found.details)) == (GROUPS_MAX + 1, GROUPS_MAX + 9, 5)
