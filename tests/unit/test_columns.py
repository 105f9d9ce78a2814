"""What was put away and taken out again answers as what it was taken from, and goes on as that would."""

from __future__ import annotations

from array import array
from pathlib import Path
from random import Random

import orjson
import pytest

from schemas.fact import RegisteredFact, Waiver
from streams.join import columns as columns_module
from streams.join.columns import Columns, Document, layout, put_index, put_knowledge, take_index, take_knowledge
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.join.plain import WIDTH
from streams.join.question import Question
from streams.join.renumber import let_go_of_names
from streams.join.rows import KINDS
from streams.join.stretch import AGE_MS, Place
from streams.join.touched import Query
from streams.policy.judging import Judging
from streams.snapshot_file import SnapshotError, read_snapshot, write_snapshot
from tests.harness import chance
from tests.harness.builders import make_policy
from tests.harness.judging import PARTITION, judging, messages

POLICY = make_policy(grace_seconds=600)


def again(judge: Judging, path: Path) -> Judging:
    """A judge that knows what this one does, by way of a file."""
    document, columns = put_away(judge)
    write_snapshot(path, document, columns)
    document, columns = read_snapshot(path)
    let_go_of_names(document["knowledge"]["logins"], columns)
    twin = judging(policy=POLICY)
    twin.completeness = judge.completeness
    take_out(twin, document, columns)
    return twin


def put_away(judge: Judging) -> tuple[Document, Columns]:
    """Everything of one judge."""
    knowledge, columns = take_knowledge(judge.knowledge)
    index, more = take_index(judge.index)
    return {"knowledge": knowledge, "index": index, "published": judge.published.columns()}, columns | more


def take_out(twin: Judging, document: Document, columns: Columns) -> None:
    """Into a judge that knows nothing yet."""
    put_knowledge(twin.knowledge, document["knowledge"], columns)
    put_index(twin.index, document["index"], columns)
    twin.published.put(document["published"])


def _grows(name: str) -> bool:
    """Whether it has an element for each fact, revision, access, or name of a chain that is linked."""
    return not name.startswith(("facts.newest", "facts.ids.texts", "plain.duties", "plain.first", "people", "records"))


def learn(knowledge: Knowledge, log: list[RegisteredFact | Waiver]) -> list[object]:
    """What became of each; the log goes on from the position."""
    learned: list[object] = []
    for offset, said in enumerate(log, knowledge.position):
        if isinstance(said, Waiver):
            knowledge.waive(offset, said)
        else:
            learned.append(knowledge.learn(offset, said)[0])
    return learned


def found(index: AccessIndex) -> list[object]:
    """All there is, by each name."""
    queries = [Query(frozenset({f"{r.kind}/{r.id}"}), None) for r in chance.RECORDS]
    queries += [Query(None, frozenset({f"ecms {login}"})) for login in chance.LOGINS]
    wanted = index.wanted(queries)
    said = [index.said(PARTITION, [one], 1 << 40) for one in wanted]
    return [list(index.matching(PARTITION, [one])) for one in wanted] + [said]


@pytest.mark.parametrize("seed", range(12))
def test_a_judge_that_was_put_away_judges_on_as_before(seed: int, tmp_path: Path) -> None:
    """The facts it knows, those it learns afterwards, repeats and conflicts of old ones; what it had indexed."""
    rng = Random(seed)
    log = chance.log(rng, 60)
    judge = judging(policy=POLICY)
    judge.knowledge.facts.people.put(["ecms gone", "gone"])  # of accesses that are long gone: all others move up
    judge.knowledge.facts.records.put(["person/gone"])
    learn(judge.knowledge, log[:40])
    accesses = [chance.access(rng, number) for number in range(60)]
    appended = chance.START + chance.STEPS * chance.STEP
    judged = judge.batch(PARTITION, "ecms", messages(*accesses[:40], appended_at=appended))
    for finding in judged.findings:
        judge.published.read(finding.finding_id, _state(judge, finding.finding_id), PARTITION, finding.message.offset)
    if seed % 2:
        found(judge.index)  # linked by now
    twin = again(judge, tmp_path / "snapshot")
    assert found(twin.index) == found(judge.index)
    assert learn(twin.knowledge, log[20:]) == learn(judge.knowledge, log[20:])
    assert (twin.knowledge.position, twin.knowledge.waivers) == (judge.knowledge.position, judge.knowledge.waivers)
    assert "ecms gone" not in twin.knowledge.facts.people
    assert twin.knowledge.row_at(50) == judge.knowledge.row_at(50)
    for judge_of in (judge, twin):
        judge_of.published.forget_flight(PARTITION)
    more = messages(*accesses, appended_at=appended + 61_000)
    one, other = judge.batch(PARTITION, "ecms", more), twin.batch(PARTITION, "ecms", more)
    assert (one.codes, one.findings, one.repeats) == (other.codes, other.findings, other.repeats)
    assert found(twin.index) == found(judge.index)
    for offset in range(960, 1020):
        assert twin.published.speaks_of(PARTITION, offset) == judge.published.speaks_of(PARTITION, offset)
        assert twin.published.may_know(PARTITION, offset) == judge.published.may_know(PARTITION, offset)


def _state(judge: Judging, finding_id: str) -> object:
    return judge.published.state(finding_id, PARTITION)


def plainly(knowledge: Knowledge) -> list[object]:
    """Whose the plain duties are, to which records, and whose the plain logins are, all by name."""
    people, plain = knowledge.facts.people.all, knowledge.plain
    duties = [people[staff] for staff in plain.duties[WIDTH::WIDTH]]
    firsts = {name: place for name, place in zip(knowledge.facts.records.all, plain.first(), strict=True) if place}
    logins = {n: (people[a], people[b], *at) for of in plain.logins.values() for n, (a, b, *at) in of.items()}
    return [duties, firsts, logins]


@pytest.mark.parametrize("is_linked", [True, False])
def test_names_of_accesses_that_are_gone_are_let_go_of(is_linked: bool, tmp_path: Path) -> None:
    """Those of facts stay, and of accesses that are still there, or of which something was said."""
    judge = judging(policy=POLICY)
    judge.knowledge.facts.people.put(["ecms gone", "gone"])
    judge.knowledge.facts.records.put(["person/gone"])
    learn(judge.knowledge, chance.log(Random(3), 60))
    assert judge.knowledge.plain.logins["ecms"]
    for first, who in enumerate(("gone", "gone too", "stays")):
        question = Question(f"ecms {who}", (f"person/{who}",), 0, 0)
        with judge.index.taking(PARTITION, (first, first + 1), (first * AGE_MS * 2, first * AGE_MS * 2)) as taking:
            taking.add(Place(first, 0), question)
    if is_linked:
        found(judge.index)
    judge.index.forget(0, 1, ())
    judge.index.say(PARTITION, 0, "ecms said", ["person/said"])
    before = judge.knowledge.facts
    twin = again(judge, tmp_path / "snapshot")
    facts = twin.knowledge.facts
    assert not [name for name in (*facts.people.all, *facts.records.all) if "gone" in name]
    assert facts.people.all == [name for name in before.people.all if "gone" not in name and name in facts.people]
    assert plainly(twin.knowledge) == plainly(judge.knowledge)
    assert {"ecms said", "ecms stays"} < set(facts.people.all)
    assert [facts.made(row) for row in range(len(facts.fact))] == [before.made(row) for row in range(len(before.fact))]
    assert found(twin.index) == found(judge.index)


def test_what_is_put_away_is_of_its_moment(tmp_path: Path) -> None:
    """It is written while the judge goes on."""
    judge = judging(*chance.log(Random(1), 20), policy=POLICY)
    _, columns = put_away(judge)
    before = {name: list(column) for name, column in columns.items()}
    learn(judge.knowledge, chance.log(Random(2), 20))
    judge.batch(PARTITION, "ecms", messages(chance.access(Random(3), 1)))
    assert {name: list(column) for name, column in columns.items()} == before


def test_nothing_is_put_away_and_taken_out() -> None:
    """A worker that has just begun."""
    twin = judging(policy=POLICY)
    document, columns = put_away(judging(policy=POLICY))
    take_out(twin, document, columns)
    assert (twin.knowledge.position, len(twin.index), len(twin.published)) == (0, 0, 0)


def of_everything() -> tuple[Document, Columns]:
    """Put away with at least one row in each column, and linked."""
    judge = judging(*chance.log(Random(1), 20), policy=POLICY)
    judge.batch(PARTITION, "ecms", messages(*(chance.access(Random(n), n) for n in range(20))))
    found(judge.index)
    return put_away(judge)


def test_what_was_taken_out_is_put_away_as_it_was() -> None:
    """Also by a worker that took it over from whoever read the file."""
    reader, worker = judging(policy=POLICY), judging(policy=POLICY)
    take_out(reader, *of_everything())
    worker.knowledge.become(reader.knowledge)
    worker.index.become(reader.index)
    document, columns = put_away(worker)
    expected, of_columns = of_everything()
    del document["published"], expected["published"]
    assert orjson.dumps(document) == orjson.dumps(expected)
    assert columns == of_columns
    assert any(worker.knowledge.plain.logins.values())
    assert len(worker.index) > 0


LONGER = [name for name, column in of_everything()[1].items() if _grows(name) and column]
SHORTER = [name for name in LONGER if not name.startswith("stretch") or not name.endswith(".before")]


@pytest.mark.parametrize(("name", "by"), [*((name, 1) for name in LONGER), *((name, -1) for name in SHORTER)])
def test_a_column_of_another_length_is_noticed(name: str, by: int) -> None:
    """A worker ran out of memory between two columns: the rows of one would be taken for those of another. Only the
    last rows of an index may be missing in its chains: they are linked when somebody asks."""
    document, columns = of_everything()
    columns[name] = columns[name] + columns[name][:by] if by > 0 else columns[name][:by]
    with pytest.raises(ValueError, match="not of one length"):
        take_out(judging(policy=POLICY), document, columns)


def test_code_that_puts_away_something_else_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column less, of another type, or one that means something else, though the version is the same."""
    found = [layout()]
    assert layout() == found[0]
    with monkeypatch.context() as other:
        other.setattr(columns_module, "_FACTS", columns_module._FACTS[:-1])
        found.append(layout())
    with monkeypatch.context() as other:
        other.setattr(columns_module, "Knowledge", _WithLargerVariants)
        found.append(layout())
    with monkeypatch.context() as other:
        other.setattr(columns_module, "KINDS", tuple(reversed(KINDS)))
        found.append(layout())
    assert len(set(found)) == 4


class _WithLargerVariants(Knowledge):
    def __init__(self) -> None:
        super().__init__()
        self.facts.variant = array("I")


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A good one."""
    path = tmp_path / "data" / "snapshot"
    write_snapshot(path, *put_away(judging(*chance.log(Random(1), 20), policy=POLICY)))
    return path


@pytest.mark.parametrize("place", [0, 25, 40, 500, -70, -1])
def test_a_changed_byte_anywhere_is_noticed(snapshot: Path, place: int) -> None:
    """Nobody judges by what a disk has made of it."""
    read_snapshot(snapshot)
    data = bytearray(snapshot.read_bytes())
    data[place] ^= 1
    snapshot.write_bytes(data)
    with pytest.raises(SnapshotError):
        read_snapshot(snapshot)


@pytest.mark.parametrize("length", [0, 10, 30, 100, -1])
def test_one_that_was_cut_short_is_noticed(snapshot: Path, length: int) -> None:
    """Wherever it was cut."""
    snapshot.write_bytes(snapshot.read_bytes()[:length])
    with pytest.raises(SnapshotError):
        read_snapshot(snapshot)


def test_none_is_said_to_be_none(tmp_path: Path) -> None:
    """The first start has none."""
    with pytest.raises(FileNotFoundError):
        read_snapshot(tmp_path / "snapshot")


def test_one_that_cannot_be_written_leaves_the_one_before(snapshot: Path) -> None:
    """And nothing half written."""
    before = snapshot.read_bytes()
    snapshot.with_suffix(".begun").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - whichever the system says
        write_snapshot(snapshot, {}, {})
    assert snapshot.read_bytes() == before
