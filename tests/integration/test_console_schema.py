"""The API as its OpenAPI document describes it, tried by a program that knows nothing else about it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sinks.console import openapi
from sinks.console.api import ROUTES
from tests.harness.console import Scene, console
from tests.harness.findings import make_finding

EXAMPLES = int(os.environ.get("NTK_EXAMPLES", "8"))  # of each operation; some hundreds by hand
SCHEMA = schemathesis.openapi.from_dict(openapi.document(ROUTES, "1"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Served:
    """A console in a thread of its own: the program under it asks and waits."""

    def __init__(self, directory: object) -> None:
        self._directory = directory
        self._ready, self._over = threading.Event(), None
        self.base, self.token, self.alert_id = "", "", ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with console(self._directory) as scene:
            await self._begin(scene)
            self._ready.set()
            await self._over.wait()

    async def _begin(self, scene: Scene) -> None:
        self.base, self.token = scene.base, (await scene.user("leo")).token
        [self.alert_id, *_] = scene.find(*(make_finding(f"look-{n}", staff=f"w{n}") for n in range(60)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console with sixty alerts."""
    with Served(tmp_path_factory.mktemp("console")) as made:
        yield made


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
def test_every_operation_answers_as_it_is_described(case: schemathesis.Case, served: Served) -> None:
    """Whatever is sent: with a status and a document that the description has, and never with an error of ours."""
    if "alert_id" in (case.path_parameters or {}):
        case.path_parameters["alert_id"] = served.alert_id
    if case.method == "DELETE":
        return  # it would sign out whoever asks the rest
    case.call_and_validate(base_url=served.base, checks=CHECKS, headers={"Authorization": f"Bearer {served.token}"})
