"""Writes the JSON Schemas and the AsyncAPI document of the contract, and the OpenAPI document of HTTP intake.

`python -m schemas.publish`. Deterministic, so that a change shows.

A schema cannot say everything the models check: intervals that must not be inverted, exactly one of staff and unit,
duplicate names, nesting and size. Where they differ, the codec is right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson
from pydantic import BaseModel

from . import asyncapi
from .access import NEVER_SENT, Access
from .act import Act
from .alert import Alert
from .fact import Fact, Mark, RegisteredFact, RegisteredMark, Waiver
from .finding import Finding
from .heartbeat import Heartbeat
from .ledger import Cut
from .letter_act import LetterAct
from .openapi import portable
from .policy import Policy
from .receiving import API, document
from .topics import SOURCES

PUBLISHED: Final = Path(__file__).parent / "published"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

MODELS: Final[dict[str, type[BaseModel]]] = {
    "access": Access,
    "fact": Fact,
    "mark": Mark,
    "heartbeat": Heartbeat,
    "finding": Finding,
    "cut": Cut,
    "registered-fact": RegisteredFact,
    "registered-mark": RegisteredMark,
    "waiver": Waiver,
    "policy": Policy,
    "act": Act,
    "alert": Alert,
    "letter-act": LetterAct,
}


def documents() -> dict[str, bytes]:
    """File name -> its content, for every record of the contract and the ways to hand over accesses."""
    schemas = {f"{name}.v1.json": _document(name, model) for name, model in MODELS.items()}
    described = {"asyncapi.json": orjson.dumps(asyncapi.document(), option=orjson.OPT_INDENT_2) + b"\n"}
    return schemas | described | {API: document(SOURCES)}


def write(directory: Path = PUBLISHED) -> None:
    """Makes `directory` hold exactly the documents."""
    directory.mkdir(exist_ok=True)
    wanted = documents()
    for stale in directory.glob("*.json"):
        if stale.name not in wanted:
            stale.unlink()
    for name, content in wanted.items():
        (directory / name).write_bytes(content)


def _document(name: str, model: type[BaseModel]) -> bytes:
    # As it is read, not as it is written: a Sparse model's writer tells pydantic nothing about its fields.
    schema = portable(model.model_json_schema(mode="validation"))
    if model is Access:  # as a source may send it; in a finding it may have one
        for name in NEVER_SENT:
            del schema["properties"][name]
    head = {"$schema": DIALECT, "$id": f"urn:needtoknow:{name}:v1"}
    return orjson.dumps(head | schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


if __name__ == "__main__":
    write()
