"""What every OpenAPI document of ours is made of: models as JSON Schema, answers, problems. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

OPENAPI: Final = "3.1.0"
_REF: Final = "#/components/schemas/{model}"


def components(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """The schemas of these models, and of those that they are made of, by name."""
    ordered = sorted(set(models), key=lambda m: m.__name__)
    _, definitions = models_json_schema([(m, "validation") for m in ordered], ref_template=_REF)
    found: dict[str, Any] = portable(definitions["$defs"])
    return found


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """Where a model's schema stands."""
    return {"$ref": _REF.format(model=model.__name__)}


def content(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    """A body of this content type that holds this model."""
    return {kind: {"schema": reference(model)}}


def problems(words: Mapping[str, str], statuses: Iterable[str], model: type[BaseModel]) -> dict[str, Any]:
    """The answers of these statuses, each with its words and a problem document (RFC 9457)."""
    return {s: {"description": words[s], "content": content("application/problem+json", model)} for s in statuses}


def portable(node: Any) -> Any:
    r"""Patterns as JSON Schema knows them: it has no `\z`, and its `$` is not satisfied before a last newline."""
    if isinstance(node, list):
        return [portable(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: portable(value) for key, value in node.items()}
    if isinstance(pattern := node.get("pattern"), str):
        found["pattern"] = _pattern(pattern)
    if by_pattern := node.get("patternProperties"):
        found["patternProperties"] = {_pattern(key): portable(value) for key, value in by_pattern.items()}
        found["additionalProperties"] = False  # pydantic leaves it out, but names of another shape are refused
    return found


def _pattern(value: str) -> str:
    return value.removesuffix(r"\z") + "$" if value.endswith(r"\z") else value
