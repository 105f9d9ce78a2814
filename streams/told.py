"""What workers read again of what they have told: findings and cuts, as far as they need them, and strictly.

Only our own workers write these topics. A message of somebody else's is passed over, and must not be half taken in: so
all that is used of one is checked before any of it is. The models of the contract would take ten times as long, and a
worker that starts reads every finding there is.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from schemas.finding import Certainty, Flag, Outcome, Severity
from streams.join.bodies import login_key, plain_key
from streams.join.open import Partition
from streams.join.reconcile import State

_Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Record(TypedDict):
    kind: str
    id: str


class _Access(TypedDict):
    source: str
    actor: str
    record: _Record
    candidates: NotRequired[list[_Record] | None]


class _Place(TypedDict):
    topic: str
    partition: _Count
    offset: _Count


class _Policy(TypedDict):
    version: _Count
    hash: str


class _Finding(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True)  # type: ignore[misc] # pydantic's way to configure one
    finding_id: str
    position: _Count
    outcome: Outcome
    certainty: Certainty
    staff: str | None
    clause: str
    severity: Severity
    flags: NotRequired[list[Flag]]
    policy: _Policy
    access: _Access
    message: _Place


class _Cut(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True)  # type: ignore[misc] # the same
    topic: str
    partition: _Count
    first_offset: _Count
    next_offset: _Count
    reconciled: _Count


_read_finding: Final = TypeAdapter(_Finding).validator.validate_json
_read_cut: Final = TypeAdapter(_Cut).validator.validate_json


class ToldFinding(NamedTuple):
    """One transition: of which finding, what it says, and of the access in which message."""

    finding_id: str
    state: State
    partition: Partition
    offset: int
    access: dict[str, Any]


def read_finding(value: bytes | None) -> ToldFinding:
    """A message of `violations.v1`. Raises ValueError when it is none of ours."""
    found: _Finding = _read_finding(value or b"")
    place = found["message"]
    state = State(
        found["position"],
        found["outcome"],
        found["certainty"],
        found["staff"],
        found["clause"],
        found["severity"],
        found["policy"]["hash"],
        tuple(found.get("flags", ())),
        found["policy"]["version"],
    )
    partition = Partition(place["topic"], place["partition"])
    return ToldFinding(found["finding_id"], state, partition, place["offset"], dict(found["access"]))


def names_of(access: dict[str, Any]) -> tuple[str, list[str]]:
    """The login and the records of an access as it stands in a finding, as facts spell them."""
    records = (access["record"], *(access.get("candidates") or ()))
    return login_key(access["source"], access["actor"]), [plain_key(f"{r['kind']}/{r['id']}") for r in records]


class ToldCut(NamedTuple):
    """Of the messages [first_offset, next_offset) of a partition, none in a settlement; and through which position all
    before was reconciled."""

    partition: Partition
    first_offset: int
    next_offset: int
    reconciled: int


def read_cut(key: bytes | None, value: bytes | None) -> ToldCut:
    """A message of `ledger.v1`. Raises ValueError when it is none of ours."""
    found: _Cut = _read_cut(value or b"")
    partition = Partition(found["topic"], found["partition"])
    if key != f"{partition.topic}/{partition.partition}".encode():
        raise ValueError("its key is of another partition")
    return ToldCut(partition, found["first_offset"], found["next_offset"], found["reconciled"])
