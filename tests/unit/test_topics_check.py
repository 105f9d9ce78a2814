"""Whether a topic is as it must be."""

from __future__ import annotations

import pytest

from schemas.topics import Topic, Topics
from schemas.topics_check import PRODUCTION, SINGLE_BROKER, Floor, Found, compare, refusals, wanted_config

TOPICS = {topic.name: topic for topic in Topics().all()}
FACTS = TOPICS["facts.v1"]
ACCESSES = TOPICS["access.ecms.v1"]


def found(partitions: int = 1, replication: int = 3, min_insync: int = 2, **changed: str) -> Found:
    """The facts topic as the broker describes it when all is well, with settings changed."""
    config = FACTS.config() | {"min.insync.replicas": str(min_insync), "segment.bytes": "1073741824"}
    config |= {name.replace("_", "."): value for name, value in changed.items()}
    return Found(partitions=partitions, replication=replication, config=config)


def told(found_: Found | None, floor: Floor | None = PRODUCTION) -> list[str]:
    """The differences of the facts topic in words."""
    return [f"{d.remedy}: {d}" for d in compare(FACTS, found_, floor)]


def test_a_topic_as_it_must_be_has_no_differences() -> None:
    """Settings that the contract does not name are the business of operations."""
    assert told(found()) == []


def test_a_missing_topic_is_created() -> None:
    """Nothing else can be said about it."""
    assert told(None) == ["create: topic is missing, must be there"]


def test_a_facts_topic_with_two_partitions_is_refused() -> None:
    """All knowledge has one order; partitions cannot be taken away."""
    assert told(found(partitions=2)) == ["refuse: partitions is 2, must be 1"]
    assert refusals(compare(FACTS, found(partitions=2)))


@pytest.mark.parametrize("name", ["violations.v1", "ledger.v1"])
@pytest.mark.parametrize("partitions", [3, 5])
def test_what_workers_read_again_keeps_its_number_of_partitions(name: str, partitions: int) -> None:
    """A running worker would never look into one that is added, and the order of cuts would be lost."""
    other = Found(partitions=partitions, replication=3, config=TOPICS[name].config())
    assert [f"{d.remedy}: {d}" for d in compare(TOPICS[name], other)] == [
        f"refuse: partitions is {partitions}, must be 4"
    ]


def test_an_access_topic_may_have_any_number_of_partitions() -> None:
    """Emitters and operations choose; nothing is re-keyed."""
    many = Found(partitions=12, replication=3, config=ACCESSES.config() | {"min.insync.replicas": "2"})
    assert compare(ACCESSES, many, PRODUCTION) == ()


def test_changed_settings_are_put_back() -> None:
    """Retention is a promise about evidence, and the append time a promise about whose clock counts."""
    assert told(found(retention_ms="604800000", message_timestamp_type="CreateTime")) == [
        "alter: retention.ms is 604800000, must be -1",
        "alter: message.timestamp.type is CreateTime, must be LogAppendTime",
    ]


def test_a_changed_cleanup_policy_is_refused() -> None:
    """A compacted log has already lost what it overwrote: only a person can say what now."""
    assert told(found(cleanup_policy="compact")) == ["refuse: cleanup.policy is compact, must be delete"]


@pytest.mark.parametrize(("replication", "min_insync"), [(3, 2), (5, 2), (5, 4)])
def test_more_copies_than_the_floor_are_fine(replication: int, min_insync: int) -> None:
    """The floor is the least, not the measure."""
    assert told(found(replication=replication, min_insync=min_insync)) == []


def test_fewer_copies_than_the_floor_are_refused() -> None:
    """Copies of what is there are made by operations, not by a command in passing."""
    assert told(found(replication=2)) == ["refuse: replication is 2, must be 3 or more"]


@pytest.mark.parametrize("min_insync", [1, 4])
def test_an_unsafe_number_of_copies_in_sync_is_put_right(min_insync: int) -> None:
    """Too few can lose what was confirmed; more than there are copies would refuse every write."""
    assert told(found(min_insync=min_insync)) == [f"alter: min.insync.replicas is {min_insync}, must be 2"]


def test_a_single_broker_is_held_to_its_own_floor() -> None:
    """One copy is all there can be."""
    assert told(found(replication=1, min_insync=1), SINGLE_BROKER) == []
    assert told(found(replication=3, min_insync=2), SINGLE_BROKER) == []
    assert told(found(replication=1, min_insync=2), SINGLE_BROKER) == ["alter: min.insync.replicas is 2, must be 1"]


def test_a_worker_does_not_look_at_copies() -> None:
    """How many brokers there are is not its business; the shape is."""
    assert told(found(replication=1, min_insync=1), None) == []
    assert told(found(partitions=3, replication=1), None) == ["refuse: partitions is 3, must be 1"]


def test_a_setting_the_broker_does_not_tell_is_a_difference() -> None:
    """Not knowing is not the same as right."""
    told_nothing = Found(partitions=1, replication=3, config={})
    assert "retention.ms is unknown, must be -1" in [str(d) for d in compare(FACTS, told_nothing)]


@pytest.mark.parametrize("wanted", TOPICS.values(), ids=TOPICS.keys())
def test_a_topic_that_was_just_created_is_as_it_must_be(wanted: Topic) -> None:
    """What `topics apply` asks for is what it checks."""
    for floor in (PRODUCTION, SINGLE_BROKER):
        config = wanted_config(wanted, floor=floor)
        created = Found(partitions=wanted.partitions, replication=floor.replication, config=config)
        assert compare(wanted, created, floor) == ()
