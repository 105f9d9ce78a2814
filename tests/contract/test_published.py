"""What is published about the contract: schemas that change silently, and examples that others build on."""

from __future__ import annotations

import tomllib
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from pydantic import BaseModel

from schemas import publish
from schemas.access import Access
from schemas.codec import decode, encode
from schemas.fact import Fact, Mark, RegisteredFact, RegisteredMark, Waiver
from schemas.finding import Finding
from schemas.ledger import Cut
from schemas.letter_act import LetterAct
from schemas.policy import Policy
from tests.contract import examples

EXAMPLES: dict[str, tuple[type[BaseModel], bytes]] = {
    "access": (Access, examples.ACCESS),
    "full access": (Access, examples.FULL_ACCESS),
    "fact": (Fact, examples.FACT),
    "mark": (Mark, examples.MARK),
    "finding": (Finding, examples.FINDING),
    "cut": (Cut, examples.CUT),
    "registered-fact": (RegisteredFact, examples.REGISTERED_FACT),
    "registered-mark": (RegisteredMark, examples.REGISTERED_MARK),
    "waiver": (Waiver, examples.WAIVER),
    "letter act": (LetterAct, examples.LETTER_ACT),
}
each_example = pytest.mark.parametrize(("model", "raw"), EXAMPLES.values(), ids=EXAMPLES.keys())


def schema_of(model: type[BaseModel]) -> Draft202012Validator:
    """The published schema of a model, read from its committed file."""
    name = next(name for name, known in publish.MODELS.items() if known is model)
    return Draft202012Validator(orjson.loads((publish.PUBLISHED / f"{name}.v1.json").read_bytes()))


def test_the_committed_schemas_are_those_of_the_models() -> None:
    """A change of the contract must be seen by whoever reviews it."""
    committed = {path.name: path.read_bytes() for path in publish.PUBLISHED.glob("*.json")}
    wanted = publish.documents()
    changed = sorted(name for name in committed.keys() | wanted if committed.get(name) != wanted.get(name))
    assert not changed, f"{', '.join(changed)} differ: run `python -m schemas.publish` and review what changed"


def test_writing_the_schemas_twice_gives_the_same_files(tmp_path: Path) -> None:
    """Nothing in them depends on the moment, and what is no longer published goes."""
    (tmp_path / "gone.v1.json").write_bytes(b"{}")
    publish.write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == publish.documents()


@pytest.mark.parametrize("name", publish.MODELS)
def test_each_schema_is_one(name: str) -> None:
    """A validator of another language must be able to read it: no regular expression of ours alone."""
    document = orjson.loads((publish.PUBLISHED / f"{name}.v1.json").read_bytes())
    assert validator_for(document) is Draft202012Validator
    Draft202012Validator.check_schema(document)
    assert b"\\\\z" not in (publish.PUBLISHED / f"{name}.v1.json").read_bytes()


@each_example
def test_the_examples_of_the_design_are_valid(model: type[BaseModel], raw: bytes) -> None:
    """Others copy them."""
    assert [error.message for error in schema_of(model).iter_errors(orjson.loads(raw))] == []


@each_example
def test_the_examples_are_read_and_written_to_the_same_bytes(model: type[BaseModel], raw: bytes) -> None:
    """One value has one spelling, the one the design shows."""
    assert encode(decode(model, raw)) == raw


@each_example
def test_the_schemas_know_no_other_fields(model: type[BaseModel], raw: bytes) -> None:
    """The schema is as strict as the codec, or an emitter would learn of its mistake from a dead letter."""
    assert not schema_of(model).is_valid(orjson.loads(raw) | {"unknown": 1})


@each_example
def test_the_schemas_miss_what_is_missing(model: type[BaseModel], raw: bytes) -> None:
    """A field without a default is required by both."""
    document = orjson.loads(raw)
    required = [name for name, info in model.model_fields.items() if info.is_required()]
    for name in required:
        assert not schema_of(model).is_valid({key: value for key, value in document.items() if key != name})
    assert required or model is Waiver


@pytest.mark.parametrize("bad", ["", "with space", "line\n", "é", "x" * 201])
def test_the_schema_refuses_the_ids_that_the_codec_refuses(bad: str) -> None:
    """The pattern is written anew for JSON Schema, so it is tried."""
    document = orjson.loads(examples.ACCESS) | {"actor": bad}
    # Python's own `$` lets a last newline pass, that of JSON Schema does not.
    assert bad.endswith("\n") or not schema_of(Access).is_valid(document)


def test_a_feed_name_of_another_shape_is_refused_as_a_name() -> None:
    """In a dictionary by feed the names are held to the pattern too."""
    document = orjson.loads(examples.FINDING)
    document["marks"] = {"Not A Feed": "2026-01-05T14:14:05.000Z"}
    assert not schema_of(Finding).is_valid(document)


def test_the_built_in_policy_is_valid() -> None:
    """A department writes its own after this model."""
    toml = publish.PUBLISHED.parent.parent / "streams" / "policy" / "default.toml"
    document = tomllib.loads(toml.read_text("utf-8"))
    assert [error.message for error in schema_of(Policy).iter_errors(document)] == []
