"""Who may do what on the broker, and what must change on one for that: pure, from the table of topics."""

from __future__ import annotations

import dataclasses
import hashlib
import stat
from pathlib import Path
from typing import Final

import pytest

from deploy.kafka.credentials import Keeper, salted
from deploy.kafka.plan import (
    ALLOW,
    LITERAL,
    OPERATIONS,
    PREFIXED,
    RESOURCES,
    Acl,
    Found,
    Plan,
    acl_of,
    plan,
)
from deploy.kafka.table import lines
from schemas.errors import NotReadyError, RejectedInputError
from schemas.principals import SOURCE_BYTES, Names, permissions, principals
from schemas.settings import Settings
from schemas.topics import CONSOLE, FEEDS, SOURCES, Topics

GROUP: Final = "needtoknow"
TOPICS: Final = Topics()
DENY: Final = 2
NOTHING: Final = Found(acls=frozenset(), users=frozenset(), quotas={})


def as_it_should_be(topics: Topics = TOPICS, group: str = GROUP) -> Found:
    """A broker on which the table was carried out."""
    people = principals(topics)
    return Found(
        acls=frozenset(map(acl_of, permissions(topics, group))),
        users=frozenset(p.name for p in people),
        quotas={p.name: float(p.bytes_per_second) for p in people if p.bytes_per_second},
    )


def acl(principal: str, name: str, *, operation: str = "read", kind: str = "topic", pattern: int = LITERAL) -> Acl:
    """An entry that somebody made by hand."""
    return Acl(f"User:{principal}", RESOURCES[kind], name, pattern, OPERATIONS[operation], ALLOW)


def with_acl(found: Found, *more: Acl) -> Found:
    """The same broker with these entries too."""
    return dataclasses.replace(found, acls=found.acls | {*more})


def who_may(operation: str, topic: str) -> set[str]:
    """By the table."""
    return {p.principal for p in permissions(TOPICS, GROUP) if (p.operation, p.name) == (operation, topic)}


# --- the table


@pytest.mark.parametrize("source", [name for name in SOURCES if name != CONSOLE])
def test_a_source_writes_to_its_topic_and_does_nothing_else(source: str) -> None:
    """It cannot even read what it wrote: a stolen password shows no access. Our intake writes there beside it, and who
    sends again what was refused."""
    own = [p for p in permissions(TOPICS, GROUP) if p.principal == f"source-{source}"]
    assert [(p.operation, p.resource, p.name, p.pattern) for p in own] == [
        ("write", "topic", f"access.{source}.v1", "literal")
    ]
    assert who_may("write", f"access.{source}.v1") == {f"source-{source}", "receive", "replayer"}


@pytest.mark.parametrize("feed", [name for name in FEEDS if name != CONSOLE])
def test_a_feed_is_stated_by_its_system_alone(feed: str) -> None:
    """Whoever else could would make up duties."""
    assert who_may("write", f"feed.{feed}.v1") == {f"feed-{feed}"}


def test_what_the_console_says_of_itself_nobody_else_can_say() -> None:
    """Not even the intake, which may speak for all other systems."""
    assert who_may("write", "access.console.v1") == who_may("write", "feed.console.v1") == {"console"}


@pytest.mark.parametrize(
    ("topic", "writers"),
    [
        ("facts.v1", {"worker"}),
        ("marks.v1", {"worker"}),
        ("violations.v1", {"worker"}),
        ("ledger.v1", {"worker"}),
        ("dead-letter.v1", {"worker"}),
        ("alert-events.v1", {"console"}),
        ("dead-letter-acts.v1", {"replayer"}),
    ],
)
def test_evidence_has_one_writer(topic: str, writers: set[str]) -> None:
    """The process that design section 3 names."""
    assert who_may("write", topic) == writers


def test_nobody_can_take_anything_away() -> None:
    """No deletion, no partitions added, nothing on the cluster; settings only by whoever creates topics."""
    given = permissions(TOPICS, GROUP)
    assert {p.operation for p in given} == {"read", "write", "create", "describe", "describe_configs", "alter_configs"}
    assert {p.resource for p in given} == {"topic", "group"}
    assert {p.principal for p in given if p.operation in ("create", "alter_configs")} == {"topics"}
    assert [p for p in given if p.principal == "topics" and p.operation in ("read", "write")] == []


def test_only_workers_join_their_group() -> None:
    """Whoever else could would take partitions from them, and nobody would judge these."""
    reads = {p.principal for p in permissions(TOPICS, GROUP) if p.resource == "group" and p.operation == "read"}
    assert reads == {"worker"}


def test_what_is_given_by_the_beginning_of_a_name_is_to_see_that_it_is_there() -> None:
    """A new topic whose name begins so is nobody's before it is registered."""
    assert {p.operation for p in permissions(TOPICS, GROUP) if p.pattern == "prefixed"} == {"describe"}


def test_two_installations_on_one_broker_share_nothing() -> None:
    """Neither users, nor topics, nor the group."""
    one, other = Topics("one."), Topics("other.")
    assert {p.name for p in principals(one)} & {p.name for p in principals(other)} == set()
    assert {p.name for p in permissions(one, "one")} & {p.name for p in permissions(other, "other")} == set()
    assert plan(other, "other", as_it_should_be(one, "one")).gone_acls == ()


def test_the_table_is_printed_with_a_row_for_each_topic_and_a_column_for_each_principal() -> None:
    """As `python -m deploy.kafka table` shows it."""
    printed = list(lines(TOPICS, GROUP))
    [row] = [line.split() for line in printed if line.startswith("access.ecms.v1")]
    people = [p.name for p in principals(TOPICS)]
    assert dict(zip(people, row[1:], strict=True))["source-ecms"] == "w"
    assert [name for name, may in zip(people, row[1:], strict=True) if "w" in may] == [
        "source-ecms",
        "receive",
        "replayer",
    ]
    assert (
        printed[-1]
        == "group needtoknow: console describe, operator describe, prober describe, replayer describe, worker read"
    )


# --- the plan


def test_a_new_broker_is_given_everything_and_then_nothing_more() -> None:
    """Users, quotas and entries; done once it is done."""
    todo = plan(TOPICS, GROUP, NOTHING)
    assert len(todo.new_users) == len(principals(TOPICS))
    assert dict(todo.quotas)["source-ecms"] == SOURCE_BYTES
    assert len(todo.new_acls) == len(permissions(TOPICS, GROUP))
    assert plan(TOPICS, GROUP, as_it_should_be()) == Plan()


def test_whoever_was_let_at_a_topic_of_ours_is_shut_out() -> None:
    """Strangers, everybody, and principals of ours who were given more."""
    extra = {
        acl("mallory", "access.ecms.v1", operation="write"),
        acl("*", "violations.v1"),
        acl("mallory", "access.", pattern=PREFIXED),
        acl("mallory", GROUP, kind="group"),
        acl("source-irss", "something-else", operation="write"),
        acl("source-irss", "kafka-cluster", operation="alter", kind="cluster"),
    }
    todo = plan(TOPICS, GROUP, with_acl(as_it_should_be(), *extra))
    assert set(todo.gone_acls) == extra
    assert (todo.new_acls, todo.strange) == ((), ())


def test_what_reaches_beyond_us_is_named_and_left() -> None:
    """It may be somebody's backup: they must be asked. What has nothing to do with us is not even looked at."""
    wide = {
        acl("backup", "*"),
        acl("backup", "acc", pattern=PREFIXED),
        acl("backup", "*", kind="group"),
        acl("backup", "need", kind="group", pattern=PREFIXED),
    }
    others = {acl("backup", "orders.v1"), acl("backup", "orders", pattern=PREFIXED), acl("backup", "c", kind="cluster")}
    todo = plan(TOPICS, GROUP, with_acl(as_it_should_be(), *wide, *others))
    assert set(todo.strange) == wide
    assert todo.is_empty


def test_who_is_denied_more_stays_denied() -> None:
    """Somebody has shut a stolen password out in a hurry: this command does not let it in again."""
    shut = dataclasses.replace(acl("source-ecms", "access.ecms.v1", operation="write"), permission=DENY)
    assert plan(TOPICS, GROUP, with_acl(as_it_should_be(), shut)) == Plan()


def test_a_system_that_is_gone_loses_its_user_its_rights_and_its_quota() -> None:
    """Whose names are like those of sources and feeds; other users of the broker are none of our business."""
    found = as_it_should_be()
    left = acl("source-oldsys", "access.oldsys.v1", operation="write")
    found = dataclasses.replace(
        with_acl(found, left),
        users=found.users | {"source-oldsys", "admin", "somebody"},
        quotas={**found.quotas, "source-oldsys": 5.0, "somebody": 7.0},
    )
    todo = plan(TOPICS, GROUP, found)
    assert (todo.gone_users, todo.gone_acls, todo.quotas) == (("source-oldsys",), (left,), (("source-oldsys", None),))


def test_a_quota_that_was_changed_is_put_back() -> None:
    """And only that."""
    found = as_it_should_be()
    changed = dataclasses.replace(found, quotas={**found.quotas, "source-ecms": 1e12})
    assert plan(TOPICS, GROUP, changed) == Plan(quotas=(("source-ecms", float(SOURCE_BYTES)),))


def test_only_who_has_a_password_gets_another() -> None:
    """A new user has a new one anyway."""
    assert plan(TOPICS, GROUP, as_it_should_be(), ["worker"]) == Plan(rotated=("worker",))
    assert plan(TOPICS, GROUP, NOTHING, ["worker"]).rotated == ()


def test_every_line_of_a_plan_says_what_it_is_about() -> None:
    """As people read it before they let it happen."""
    todo = Plan(
        new_users=("a",),
        rotated=("b",),
        gone_users=("c",),
        quotas=(("d", 4_194_304.0), ("e", None)),
        new_acls=(acl("f", "facts.v1"),),
        gone_acls=(dataclasses.replace(acl("g", "acc", pattern=PREFIXED), host="10.0.0.1"),),
        strange=(acl("h", "*", kind="group", operation="all"),),
    )
    assert list(todo.lines()) == [
        "add     user a",
        "rotate  user b",
        "remove  user c",
        "set     quota d sends 4,194,304 bytes/s",
        "remove  quota of e",
        "add     User:f may read topic facts.v1",
        "remove  User:g may read topic acc* from 10.0.0.1",
        "strange User:h may all group *",
    ]


# --- credentials


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    """Of an installation that has a name and an authority of its own."""
    settings = Settings(broker="k1:9092,k2:9092", kafka_security="SSL", kafka_ca_file=tmp_path / "ca.pem")
    return Keeper(tmp_path / "credentials", settings)


def test_a_password_is_in_a_file_that_only_its_owner_reads(keeper: Keeper) -> None:
    """Made once, long, and the file is a settings file as it stands."""
    password = keeper.password("source-ecms")
    file = keeper.file("source-ecms")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len(password) >= 40
    assert keeper.password("source-ecms") == password
    assert keeper.password("source-irss") != password


def test_a_new_password_is_used_once_the_broker_has_it(keeper: Keeper) -> None:
    """Until then the old one stands; a rotation that was cut off is begun again."""
    first = keeper.password("worker")
    keeper.next_password("worker")
    assert keeper.password("worker") == first
    second = keeper.next_password("worker")
    keeper.replace("worker")
    assert keeper.password("worker") == second != first
    assert stat.S_IMODE(keeper.file("worker").stat().st_mode) == 0o600
    assert [f.name for f in keeper.directory.iterdir()] == ["worker.toml"]


@pytest.mark.parametrize("given", ['kafka_password = "short"', 'kafka_password = "Ünïcödé-and-long-enough"', ""])
def test_a_given_password_that_is_weak_or_odd_is_refused_and_not_quoted(keeper: Keeper, given: str) -> None:
    """The file is named."""
    keeper.directory.mkdir()
    keeper.file("worker").write_text(given)
    with pytest.raises(RejectedInputError, match=r"worker\.toml") as refused:
        keeper.password("worker")
    assert "nough" not in str(refused.value)
    assert '"short"' not in str(refused.value)


def test_a_given_file_that_is_no_settings_file_is_named_and_not_quoted(keeper: Keeper) -> None:
    """Its line may hold the password."""
    keeper.directory.mkdir()
    keeper.file("worker").write_text("kafka_password = unquoted-secret-of-somebody")
    with pytest.raises(NotReadyError, match=r"worker\.toml cannot be read") as refused:
        keeper.password("worker")
    assert "secret" not in str(refused.value)


def test_the_broker_is_sent_a_proof_and_no_password() -> None:
    """RFC 5802's SaltedPassword: what Kafka's own program computes, with a salt of its own each time."""
    name, mechanism, iterations, salt, proof = salted("worker", "x" * 40)
    assert (name, mechanism, 4_096 <= iterations <= 16_384) == ("worker", 2, True)
    assert proof == hashlib.pbkdf2_hmac("sha512", b"x" * 40, salt, iterations)
    assert salted("worker", "x" * 40)[3] != salt


def test_names_of_ours_are_told_from_those_of_others() -> None:
    """With and without a prefix."""
    plain, named = Names(), Names("one.")
    assert [n for n in ("worker", "source-x", "feed-y", "admin", "one.worker") if plain.is_ours(n)] == [
        "worker",
        "source-x",
        "feed-y",
    ]
    assert [n for n in ("worker", "one.worker", "one.source-x") if named.is_ours(n)] == ["one.worker", "one.source-x"]
