"""The AsyncAPI document: all topics that others write to or read, and what is on them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from schemas.cloud_event import cloud_event
from schemas.publish import PUBLISHED
from schemas.topics import CANONICAL, FEEDS, HEARTBEAT, SOURCES, Topics

DOCUMENT: dict[str, Any] = orjson.loads((PUBLISHED / "asyncapi.json").read_bytes())
SPECIFICATION = "@asyncapi/specs@6.11.1"


def references(node: Any) -> Iterator[str]:
    """Every `$ref` there is."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        for item in node.values():
            yield from references(item)


def at(reference: str) -> Any:
    """What a reference names."""
    if reference.startswith("./"):
        return orjson.loads((PUBLISHED / reference).read_bytes())
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def messages_of(channel: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a channel, looked up."""
    return [at(message["$ref"]) for message in channel["messages"].values()]


def headers_schema(message: dict[str, Any]) -> Draft202012Validator:
    """What the headers of a message must be; its references within the document are resolved."""
    text = json.dumps({"components": DOCUMENT["components"], **message["headers"]})
    return Draft202012Validator(json.loads(text))


def test_every_reference_leads_somewhere() -> None:
    """Also to the JSON Schemas beside it."""
    found = set(references(DOCUMENT))
    assert {"./access.v1.json", "./fact.v1.json", "./finding.v1.json"} <= found
    assert all(at(reference) for reference in found)


def test_every_topic_that_others_write_to_is_a_channel_as_it_is_on_the_broker() -> None:
    """With its name, partitions and limits; and findings, which others read."""
    topics = Topics()
    by_name = {topic.name: topic for topic in topics.all()}
    channels = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
    assert set(channels) == {*topics.accesses(), *topics.feeds(), topics.violations}
    for name, channel in channels.items():
        kafka, topic = channel["bindings"]["kafka"], by_name[name]
        assert (kafka["topic"], kafka["partitions"]) == (name, topic.partitions)
        assert kafka["topicConfiguration"]["max.message.bytes"] == topic.max_bytes
        assert str(kafka["topicConfiguration"]["retention.ms"]) == topic.config()["retention.ms"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_may_send_what_its_channel_names(source: str) -> None:
    """Canonical JSON, heartbeats, and its own layouts: the content types that the judge takes there."""
    found = [message["contentType"] for message in messages_of(DOCUMENT["channels"][f"access-{source}"])]
    assert found == [CANONICAL, HEARTBEAT, *SOURCES[source].content_types]


def test_the_service_receives_accesses_and_facts_and_sends_findings() -> None:
    """In AsyncAPI 3 an operation is said from the side of the application that is described."""
    actions = {one["channel"]["$ref"].rpartition("/")[2]: one["action"] for one in DOCUMENT["operations"].values()}
    assert actions.pop("violations") == "send"
    assert set(actions.values()) == {"receive"}
    assert len(actions) == len(SOURCES) + len(FEEDS)


def test_headers_are_those_that_we_write_ourselves() -> None:
    """Of canonical JSON none is required; of all else the content type is."""
    for message in DOCUMENT["components"]["messages"].values():
        schema = headers_schema(message)
        ours = {name: value.decode() for name, value in cloud_event("e1", "/sources/x", "t", message["contentType"])}
        assert schema.is_valid(ours)
        assert not schema.is_valid(ours | {"content-type": "text/plain"})
        assert schema.is_valid({}) == (message["contentType"] == CANONICAL)
        assert message["bindings"]["kafka"]["key"]["description"]


def test_it_says_nothing_of_security() -> None:
    """That is each installation's own."""
    assert re.findall(r'"(?:security|servers)"', json.dumps(DOCUMENT)) == []


@pytest.mark.slow
def test_it_is_valid_by_the_schema_of_the_specification(tmp_path: Path) -> None:
    """Fetched, since it is ten times as long as the document; and it finds what is wrong."""
    if (npm := shutil.which("npm")) is None:
        pytest.skip("npm is not there to fetch the schema of AsyncAPI")
    done = subprocess.run(
        [npm, "pack", SPECIFICATION], cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False
    )
    if done.returncode:
        pytest.skip(f"{SPECIFICATION} could not be fetched")
    (archive,) = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as files:
        file = files.extractfile("package/schemas/3.0.0-without-$id.json")
        assert file is not None
        schema = Draft7Validator(json.load(file))
    assert [error.message for error in schema.iter_errors(DOCUMENT)] == []
    channels = {**DOCUMENT["channels"], "access-ecms": {**DOCUMENT["channels"]["access-ecms"], "adress": "x"}}
    assert not schema.is_valid({**DOCUMENT, "channels": channels})
