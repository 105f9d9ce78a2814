"""The outbox in the real PostgreSQL: an access is written with what it tells of, or not at all, and as it must be."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, Final

import orjson
import psycopg
import pytest
from psycopg.types.json import Jsonb

from deploy.local.postgres import LocalPostgres
from schemas.access import Access
from schemas.codec import MESSAGE_MAX, decode, decode_access, encode
from schemas.errors import RejectedInputError
from schemas.heartbeat import Heartbeat
from schemas.plain import NOT_PLAIN, read_plain
from schemas.topics import CANONICAL, HEARTBEAT
from streams.sources import translate
from tests.harness.builders import make_access
from tests.harness.largest import largest_access
from tests.harness.outbox import Outbox, insert, install, row, run_sql

DAY: Final = "2024-01-05"  # long past by every machine's clock
PAGE: Final = Path(__file__).parents[2] / "deploy" / "publishing" / "outbox.md"
WRITERS, EACH = 4, 25


@pytest.fixture
def outbox(postgres: LocalPostgres, database: str) -> Outbox:
    """In a database of this test alone."""
    return install(postgres, database.rpartition("/")[2])


def seen(event_id: str, **rest: Any) -> Access:
    """An access of this name, not yet numbered."""
    return make_access(event_id=event_id, sequence=None, when=f"{DAY}T14:00:00.120Z", **rest)


def write(outbox: Outbox, *accesses: Access) -> None:
    """Each in a transaction of its own."""
    with outbox.connect("app") as connection:
        for access in accesses:
            insert(connection, row(access))
            connection.commit()


STRANGE: Final = (
    seen("e-0"),
    seen("~!\"\\'`$$", actor="d\\';DROP--", name='person:"}]{'),
    seen("e-2", candidates=(), action="search", purpose={"text": ""}),
    seen("e-3", candidates=("case:c1", "person:p2"), action="search", purpose={"code": "C"}),
    seen("e-4", recipient="Żółć 🙈\x01\x1f\x7f\u2028\r\n\t\b\f/</script>", purpose={"text": "\\u0000 \ufeff\ud7ff"}),
    seen("e-5", until=f"{DAY}T14:00:00.120Z", object_count=0, session="s", device="d", batch_id="b", agency="PA0"),
    seen("e-6", requested_for="boss", object_count=10**9, until="9999-12-31T23:59:59.999Z"),
)


def test_a_row_becomes_the_message_that_the_contract_spells(outbox: Outbox) -> None:
    """Byte for byte what the codec writes, escapes and all, so that it is read the fast way, too; numbered from 1."""
    write(outbox, *STRANGE)
    told = [access.model_copy(update={"sequence": n}) for n, access in enumerate(STRANGE, start=1)]
    assert outbox.messages() == [(one.record.id, CANONICAL, encode(one).decode()) for one in told]
    [plain] = read_plain("ecms", [outbox.messages()[0][2].encode()])
    assert plain != NOT_PLAIN


def test_a_writer_need_not_say_more_than_what_happened(outbox: Outbox) -> None:
    """The id, the result, the source and the moment are filled in: the clock's moment, not the transaction's start."""
    with outbox.connect("app") as connection:
        [(began,)] = connection.execute("SELECT (extract(epoch FROM now()) * 1000)::bigint")
        connection.execute("SELECT pg_sleep(0.05)")
        insert(connection, {"actor": "jdoe", "action": "view", "record_kind": "case", "record_id": "c0042"})
        connection.commit()
    [(_, _, value)] = outbox.messages()
    access = decode_access(value.encode())
    assert (access.source, access.result, access.sequence) == ("ecms", "success", 1)
    assert access.occurred_at >= began + 49


def test_what_is_rolled_back_was_never_there_and_leaves_no_gap(outbox: Outbox) -> None:
    """Neither the change, nor the access, nor its number; and no message before the commit."""
    with outbox.connect("app") as connection:
        for name, is_kept in (("e-1", True), ("e-2", False), ("e-3", True)):
            connection.execute("UPDATE cases SET note = %s WHERE id = 'c0042'", [name])
            insert(connection, row(seen(name)))
            assert name not in str(outbox.messages())
            connection.commit() if is_kept else connection.rollback()
    told = [orjson.loads(value) for _, _, value in outbox.messages()]
    assert [(one["event_id"], one["sequence"]) for one in told] == [("e-1", 1), ("e-3", 2)]


def test_nobody_waits_for_a_number_while_another_transaction_is_open(outbox: Outbox) -> None:
    """One has written its access and goes on to what a second holds, who writes an access as well: no deadlock."""
    with outbox.connect("app") as first, outbox.connect("app") as second:
        insert(first, row(seen("e-first")))
        second.execute("UPDATE cases SET note = 'second' WHERE id = 'c0042'")
        insert(second, row(seen("e-second")))
        second.commit()
        first.execute("UPDATE cases SET note = 'first' WHERE id = 'c0042'")
        first.commit()
    assert [orjson.loads(value)["event_id"] for _, _, value in outbox.messages()] == ["e-second", "e-first"]


def test_a_snapshot_that_is_too_old_is_told_to_try_again(outbox: Outbox) -> None:
    """Under REPEATABLE READ the counter may have moved on since; nothing is left of what was not committed."""
    with outbox.connect("app") as first, outbox.connect("app") as second:
        second.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        insert(second, row(seen("e-second")))
        insert(first, row(seen("e-first")))
        first.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            second.commit()
        insert(second, row(seen("e-second")))
        second.commit()
    assert [orjson.loads(value)["sequence"] for _, _, value in outbox.messages()] == [1, 2]


def test_many_writers_at_once_are_numbered_without_a_gap_in_the_order_of_their_commits(outbox: Outbox) -> None:
    """A third of the transactions is rolled back."""
    start = Barrier(WRITERS)

    def work(writer: int) -> set[str]:
        chance, kept = random.Random(writer), set()
        with outbox.connect("app") as connection:
            start.wait(30)
            for n in range(EACH):
                names = [f"e-{writer}-{n}-{k}" for k in range(chance.randint(1, 3))]
                for name in names:
                    insert(connection, row(seen(name)))
                if chance.random() < 1 / 3:
                    connection.rollback()
                else:
                    connection.commit()
                    kept |= set(names)
        return kept

    with ThreadPoolExecutor(WRITERS) as pool:
        kept = set.union(*pool.map(work, range(WRITERS)))
    told = [orjson.loads(value) for _, _, value in outbox.messages()]
    assert [one["sequence"] for one in told] == list(range(1, len(kept) + 1))
    assert {one["event_id"] for one in told} == kept
    assert len(kept) < WRITERS * EACH * 3


GOOD: Final = row(seen("e-1", action="search", candidates=("case:c1",), recipient="r", purpose={"code": "C"}))
NAME: Final = "violates check constraint"
WRONG: Final[dict[str, tuple[str, object, str]]] = {
    "no actor": ("actor", None, 'null value in column "actor"'),
    "no record": ("record_id", None, 'null value in column "record_id"'),
    "an empty id": ("event_id", "", f'{NAME} "id_check"'),
    "a space in an id": ("actor", "jane doe", f'{NAME} "id_check"'),
    "a line break behind an id": ("record_id", "c0042\n", f'{NAME} "id_check"'),
    "a letter that is not ASCII": ("session", "é", f'{NAME} "id_check"'),
    "an id of 201": ("device", "x" * 201, f'{NAME} "id_check"'),
    "an action in capitals": ("action", "VIEW", f'{NAME} "outbox_action"'),
    "an unknown kind": ("record_kind", "child", f'{NAME} "kind_check"'),
    "an unknown result": ("result", "ok", f'{NAME} "outbox_result"'),
    "an empty recipient": ("recipient", "", f'{NAME} "outbox_recipient"'),
    "a recipient of 501": ("recipient", "ż" * 501, f'{NAME} "outbox_recipient"'),
    "a text of 2,001": ("purpose_text", "x" * 2001, f'{NAME} "outbox_purpose_text"'),
    "a count below nothing": ("object_count", -1, f'{NAME} "outbox_object_count"'),
    "a count too high": ("object_count", 10**9 + 1, f'{NAME} "outbox_object_count"'),
    "an end before the start": ("occurred_until", f"{DAY}T14:00:00.119Z", f'{NAME} "outbox_occurred_until"'),
    "no end in sight": ("occurred_until", "infinity", f'{NAME} "outbox_occurred_until"'),
    "before everybody's birth": ("occurred_at", "1899-12-31T23:59:59Z", f'{NAME} "outbox_occurred_at"'),
    "the far future": ("occurred_at", "9000-01-01T00:00:00Z", f'{NAME} "outbox_occurred_at"'),
    "candidates that are no list": ("candidates", Jsonb({}), f'{NAME} "outbox_candidates"'),
    "a candidate that is no object": ("candidates", Jsonb(["c1"]), f'{NAME} "outbox_candidates"'),
    "a candidate without an id": ("candidates", Jsonb([{"kind": "case"}]), f'{NAME} "outbox_candidates"'),
    "a number for an id": ("candidates", Jsonb([{"kind": "case", "id": 1}]), f'{NAME} "outbox_candidates"'),
    "a candidate that says more": ("candidates", Jsonb([{"kind": "case", "id": "1", "n": 1}]), "outbox_candidates"),
    "a candidate of no kind": ("candidates", Jsonb([{"kind": "child", "id": "1"}]), f'{NAME} "kind_check"'),
    "201 candidates": ("candidates", Jsonb([{"kind": "case", "id": "1"}] * 201), f'{NAME} "outbox_candidates"'),
    "another's source": ("source", "facts", "violates foreign key constraint"),
    "zero": ("purpose_text", "a\0b", "NUL"),
}


@pytest.fixture(scope="module")
def lasting(postgres: LocalPostgres) -> Outbox:
    """For all that is refused."""
    postgres.create_database("lasting")
    return install(postgres, "lasting")


@pytest.mark.parametrize("name", WRONG)
def test_what_the_contract_refuses_fails_at_the_insert(lasting: Outbox, name: str) -> None:
    """In the application's own transaction, while it can still do something about it; the error names the rule."""
    column, value, rule = WRONG[name]
    with lasting.connect("app") as connection:
        with pytest.raises((psycopg.errors.IntegrityError, psycopg.DataError), match=rule):
            insert(connection, {**GOOD, column: value})
        connection.rollback()
        insert(connection, GOOD)  # with all else as it was
    assert lasting.messages() == []


def test_the_largest_access_is_taken_and_what_is_larger_is_not(outbox: Outbox) -> None:
    """By the bytes of the message, of which an escape takes six and a letter up to four."""
    largest = decode_access(largest_access("\\", "\x01\x02\x03\x04" * 450, shape=60)).model_copy(
        update={"occurred_at": seen("x").occurred_at}
    )
    room = MESSAGE_MAX - len(encode(largest))
    assert 0 < room < 3_000, room
    columns = row(largest)
    with outbox.connect("app") as connection:
        rest = room - 40
        fits = {**columns, "purpose_text": f"{columns['purpose_text']}" + "\x01" * (rest // 6)}
        insert(connection, fits)
        connection.commit()
        with pytest.raises(psycopg.errors.CheckViolation, match="outbox_is_larger_than_65536_bytes"):
            insert(connection, {**fits, "event_id": "e", "purpose_text": f"{fits['purpose_text']}" + "\x01" * 60})
    [(_, _, value)] = outbox.messages()
    assert MESSAGE_MAX - 100 < len(value.encode()) <= MESSAGE_MAX
    assert decode_access(value.encode()).candidates == largest.candidates


def test_nobody_installs_it_without_saying_for_whom(postgres: LocalPostgres, database: str) -> None:
    """psql ends with an error, and nothing is there."""
    with pytest.raises(subprocess.CalledProcessError):
        run_sql(postgres, database.rpartition("/")[2], [])
    install(postgres, database.rpartition("/")[2])


def test_an_id_is_given_once(outbox: Outbox) -> None:
    """A second row of the same id fails at once, whatever it says."""
    write(outbox, seen("e-1"))
    with outbox.connect("app") as connection, pytest.raises(psycopg.errors.UniqueViolation):
        insert(connection, row(seen("e-1", actor="other")))


@pytest.mark.parametrize("user", ["app", "needtoknow_reader"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE needtoknow.outbox SET actor = 'somebody'",
        "DELETE FROM needtoknow.outbox",
        "TRUNCATE needtoknow.outbox",
        "SELECT * FROM needtoknow.outbox",
        "UPDATE needtoknow.message SET value = ''",
        "DELETE FROM needtoknow.message",
        "INSERT INTO needtoknow.message (source, key, content_type, value) VALUES ('ecms', '', '', '')",
        "UPDATE needtoknow.counter SET last = 0",
        "ALTER TABLE needtoknow.outbox DISABLE TRIGGER number",
        "SELECT needtoknow.clean()",
        "CREATE TABLE needtoknow.mine ()",
        "SET ROLE needtoknow_owner",
    ],
)
def test_nobody_rewrites_what_was_written(lasting: Outbox, user: str, statement: str) -> None:
    """Not the application, nor Debezium."""
    with lasting.connect(user) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("user", "statement"),
    [
        ("app", "SELECT * FROM needtoknow.message"),
        ("app", "SELECT needtoknow.beat()"),
        ("needtoknow_reader", "INSERT INTO needtoknow.outbox (actor) VALUES ('jdoe')"),
    ],
)
def test_each_has_its_own_side(lasting: Outbox, user: str, statement: str) -> None:
    """Who writes does not read what others did, and who reads does not write."""
    with lasting.connect(user) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_a_heartbeat_tells_the_last_number(outbox: Outbox) -> None:
    """Absent before the first; and a control message for whoever judges."""
    sequences = []
    for name in ("e-1", "e-2"):
        with outbox.connect("needtoknow_reader") as connection:
            connection.execute("SELECT needtoknow.beat()")
            connection.commit()
        key, content_type, value = outbox.messages()[-1]
        beat = decode(Heartbeat, value.encode())
        assert (key, content_type, beat.source) == ("heartbeat", HEARTBEAT, "ecms")
        assert translate("ecms", value.encode(), [("content-type", content_type.encode())], beat.at).is_control
        sequences.append(beat.sequence)
        write(outbox, seen(name))
    assert sequences == [None, 1]


def test_nothing_is_cleaned_up_that_nobody_reads(outbox: Outbox) -> None:
    """Without Debezium's slot every message may be the only one there is."""
    write(outbox, seen("e-1"))
    with outbox.connect("postgres") as connection, pytest.raises(psycopg.errors.RaiseException, match="no replication"):
        connection.execute("SELECT needtoknow.clean('0')")
    assert len(outbox.messages()) == 1


def test_the_pages_own_statements_do_what_it_says(outbox: Outbox) -> None:
    """Whoever copies them has an access for a change that the application made, and one that a trigger saw."""
    first, trigger = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with outbox.connect("app") as connection:
        connection.execute(first)
        connection.commit()
    with outbox.connect("postgres") as connection:
        connection.execute(trigger)
        connection.execute("GRANT needtoknow_writer TO app")
        connection.commit()
    with outbox.connect("app") as connection:
        change = "UPDATE cases SET note = 'moved' WHERE id = 'c0042'"
        connection.execute("SET LOCAL needtoknow.actor = 'jdoe'")
        connection.execute(change)
        connection.commit()
        with pytest.raises(psycopg.Error, match=r"needtoknow\.actor"):
            connection.execute(change)
    told = [decode_access(value.encode()) for _, _, value in outbox.messages()]
    assert [(one.actor, one.action, one.record.id) for one in told] == [
        ("jdoe", "view", "c0042"),
        ("jdoe", "edit", "c0042"),
    ]


def test_the_contract_refuses_all_of_that_too() -> None:
    """Else the outbox would be stricter than what it is for, and an application could not say what is true."""
    names: dict[str, Callable[[Any], dict[str, object]]] = {
        "record_kind": lambda v: {"record": {"kind": v, "id": "c1"}},
        "record_id": lambda v: {"record": {"kind": "case", "id": v}},
        "purpose_text": lambda v: {"purpose": {"text": v}},
        "candidates": lambda v: {"candidates": v.obj},
    }
    taken = []
    for name, (column, value, _) in WRONG.items():
        changed = names.get(column, lambda v, column=column: {column: v})(value)
        document = {**orjson.loads(encode(seen("e-1"))), **changed}
        try:
            decode_access(orjson.dumps(document))
        except RejectedInputError:
            continue
        taken.append(name)
    # Who speaks for another, and a wrong date, are found with the topic and the broker's clock beside them. PostgreSQL
    # keeps no zero in a text.
    assert taken == ["the far future", "another's source", "zero"]
