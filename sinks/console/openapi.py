"""The OpenAPI document of the API, made from the table of its routes and the models they name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from schemas.openapi import OPENAPI, components, content, problems

from .api import Route
from .asked import filter_schema
from .documents import Problem

PROBLEMS: Final = {
    "400": "this cannot be read",
    "401": "not signed in",
    "403": "not allowed",
    "404": "there is no such alert, or you must not know of it",
    "409": "the alert, as it is, does not allow it; or somebody was faster",
    "412": "the alert is not what `If-Match` says any more",
    "413": "too large",
    "422": "this key was used for another command",
    "429": "too often",
    "503": "the store or the facts are not ready",
}
_BY_METHOD: Final[dict[str, tuple[str, ...]]] = {
    "GET": ("400", "401", "403", "404", "429", "503"),
    "DELETE": ("401", "403", "429", "503"),
    "POST": tuple(PROBLEMS),
}


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The whole document, in OpenAPI 3.1."""
    models = {m for route in routes for m in (route.takes, route.answers) if m is not None} | {Problem}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_path(route.path), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": OPENAPI,
        "info": {"title": "Need to Know", "version": version, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": components(models),
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"session": []}],
    }


_ABOUT: Final = (
    "Alerts about accesses outside assigned duties. What must be kept from you is answered as if it were not there. "
    "Records are behind masks until you say what you need them for."
)


def _path(path: str) -> str:
    return re.sub(r"\{(\w+):.*?\}\}?", r"{\1}", path)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _name(route),
        "summary": route.summary,
        "parameters": list(_parameters(route)),
        "responses": _responses(route),
    }
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": content("application/json", route.takes)}
    if route.is_open:
        operation["security"] = []
    return operation


def _name(route: Route) -> str:
    parts = [p for p in _path(route.path).split("/")[3:] if not p.startswith("{")]
    return "_".join([route.method.lower(), *parts]) + ("_one" if _path(route.path).endswith("}") else "")


def _parameters(route: Route) -> Iterable[dict[str, Any]]:
    if "{alert_id" in route.path:
        schema = {"type": "string", "pattern": "^a_[0-9a-f]{32}$"}
        yield {"name": "alert_id", "in": "path", "required": True, "schema": schema}
    for name in route.query:
        yield {"name": name, "in": "query", "required": False, "schema": filter_schema(name)}
    if route.method == "POST" and "{alert_id" in route.path:
        key = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": key}
        yield {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}}


def _responses(route: Route) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done." if route.method != "GET" else "Found."}
    if route.answers is not None:
        good["content"] = content("application/json", route.answers)
    responses: dict[str, Any] = {str(route.status): good}
    return responses | problems(PROBLEMS, _BY_METHOD[route.method], Problem)
