"""HTTP intake as its OpenAPI document describes it, tried by a program that knows nothing else about it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from schemas.receiving import BATCH, document
from schemas.topics import SOURCES
from tests.faults.harness import running
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.intake import KEYS, receiving

EXAMPLES = int(os.environ.get("NTK_EXAMPLES", "8"))  # of the one operation that takes a body; thousands by hand
SCHEMA = schemathesis.openapi.from_dict(orjson.loads(document(SOURCES)))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def as_text(context: Any, value: Any) -> bytes:
    """A text as it goes over the line."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


for kind in {BATCH, *(kind for source in SOURCES.values() for kind in source.content_types)}:
    schemathesis.serializer(kind)(as_text)


class Served:
    """An intake in a thread of its own: the program under it asks and waits."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap, self._prefix = bootstrap, prefix
        self._ready, self.base, self.ours, self.stored = threading.Event(), "", -1.0, 0.0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(60)

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with receiving(self._bootstrap, self._prefix) as intake:
            self.base = intake.base
            self._ready.set()
            await self._over.wait()
            self.ours = intake.counted("needtoknow_intake_refusals_total", refusal="ours")
            self.stored = sum(intake.counted("needtoknow_intake_messages_total", source=name) for name in SOURCES)


@pytest.fixture(scope="module")
def served(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An intake whose topics are there."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("schema"), new_namespace()) as one:
        with Served(one.service.bootstrap, one.service.prefix) as made:
            yield made
        assert made.ours == 0
        assert made.stored > 0


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
def test_every_operation_answers_as_it_is_described(case: schemathesis.Case, served: Served) -> None:
    """Whatever is sent, with the key of its source: a status and a document that the description has."""
    source = str((case.path_parameters or {}).get("source"))
    for record in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(record, dict) and "source" in record:
            record["source"] = source  # or nearly nothing would be stored
    case.call_and_validate(
        base_url=served.base, checks=CHECKS, headers={"Authorization": f"Bearer {KEYS.get(source, 'ntk_none')}"}
    )
