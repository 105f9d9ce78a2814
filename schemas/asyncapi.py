"""The AsyncAPI 3 document of what outside systems write and read, made from the tables and beside the JSON Schemas.

It describes the service: it receives what sources and feeds send, and sends findings. Who may connect how is each
installation's own affair, so security is left open.
"""

from __future__ import annotations

from typing import Any, Final

from .codec import MESSAGE_MAX
from .topics import CANONICAL, CHARSETS, FEEDS, HEARTBEAT, SIGNATURE_HEADER, SIGNATURE_MAX, SOURCES, Topic, Topics

Document = dict[str, Any]

VERSION: Final = "3.0.0"
KAFKA_BINDING: Final = "0.5.0"
DIALECT: Final = "application/schema+json;version=draft-2020-12"

_KEYS: Final = {
    "access": "The record's id, so that one record's accesses stay in order. Any key will do; a resend has the same.",
    "heartbeat": "The source's name.",
    "native": "What keeps belongings in order, such as the user. A resend has the same.",
    "fact": "fact_id",
    "mark": "The feed's name.",
    "finding": "finding_id",
}


def document() -> Document:
    """All of it."""
    topics = Topics()
    known = {topic.name: topic for topic in topics.all()}
    accesses = {source: topics.access(source) for source in SOURCES}
    feeds = {feed: topics.feed(feed) for feed in FEEDS}
    channels = {
        **{_channel_id(name): _access_channel(source, known[name]) for source, name in accesses.items()},
        **{_channel_id(name): _feed_channel(feed, known[name]) for feed, name in feeds.items()},
        _channel_id(topics.violations): _channel(
            known[topics.violations], "Findings: each a transition of one finding.", ["finding"]
        ),
    }
    return {
        "asyncapi": VERSION,
        "info": _info(),
        "defaultContentType": CANONICAL,
        "channels": channels,
        "operations": {
            **{f"receive-{_channel_id(n)}": _operation("receive", n) for n in (*accesses.values(), *feeds.values())},
            f"send-{_channel_id(topics.violations)}": _operation("send", topics.violations),
        },
        "components": {"messages": _messages(), "schemas": {"cloudEvent": _cloud_event()}},
    }


def _info() -> Document:
    return {
        "title": "Need to Know",
        "version": "1",
        "description": "Accesses and facts in, findings out, over Kafka. A source may write to its own topic and no "
        f"other. At most {MESSAGE_MAX} bytes a message. At least once: what is sent twice is judged twice and found "
        "once. Topic names may have a prefix of the installation. A message that cannot be read becomes a dead letter "
        "and stops nothing. Security is the installation's own.",
    }


def _channel_id(topic: str) -> str:
    return topic.removesuffix(".v1").replace(".", "-")


def _operation(action: str, topic: str) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{_channel_id(topic)}"}}


def _access_channel(source: str, topic: Topic) -> Document:
    native = [_message_id(content_type) for content_type in SOURCES[source].content_types]
    return _channel(topic, f"Accesses of {SOURCES[source].title}.", ["access", "heartbeat", *native])


def _feed_channel(feed: str, topic: Topic) -> Document:
    kinds = ", ".join(sorted(FEEDS[feed].kinds))
    return _channel(topic, f"Facts of the kinds {kinds} ({FEEDS[feed].title}), and marks.", ["fact", "mark"])


def _channel(topic: Topic, description: str, messages: list[str]) -> Document:
    config = topic.config()
    return {
        "address": topic.name,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup],
                    "retention.ms": int(config["retention.ms"]),
                    "max.message.bytes": topic.max_bytes,
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _messages() -> Document:
    native = {one for source in SOURCES.values() for one in source.content_types}
    return {
        "access": _json("access", "One touch of one record by one login.", CANONICAL),
        "heartbeat": _json("heartbeat", "That a source is there, also while nobody opens anything.", HEARTBEAT),
        "fact": _json("fact", "Something that is so over an interval, such as who works on what.", CANONICAL),
        "mark": _json("mark", "A feed's promise that nothing recorded up to then is still to come.", CANONICAL),
        "finding": _json("finding", "An access that no recorded duty explains, or what became of one.", CANONICAL),
        **{_message_id(content_type): _native(content_type) for content_type in sorted(native)},
    }


def _message_id(content_type: str) -> str:
    return content_type.partition("vnd.needtoknow.")[2].partition(".v")[0]


def _json(name: str, summary: str, content_type: str) -> Document:
    schema = {"schemaFormat": DIALECT, "schema": {"$ref": f"./{name}.v1.json"}}
    return _message(name, summary, content_type, schema, _KEYS[name], is_default=content_type == CANONICAL)


def _native(content_type: str) -> Document:
    charset = CHARSETS.get(content_type, "utf-8")
    payload = {"type": "string", "description": f"As the system itself writes it, in {charset}: streams/sources."}
    name = _message_id(content_type)
    return _message(name, "A message in a system's own layout.", content_type, payload, _KEYS["native"])


_NEVER_SIGNED: Final = frozenset({"fact", "mark", "finding"})
_SIGNATURE: Final = {
    "type": "string",
    "maxLength": SIGNATURE_MAX,
    "description": "Of sources that sign: a detached JWS, deploy/publishing/signatures.md.",
}


def _message(
    name: str, summary: str, content_type: str, payload: Document, key: str, *, is_default: bool = False
) -> Document:
    signature = {} if name in _NEVER_SIGNED else {SIGNATURE_HEADER: _SIGNATURE}
    said = {"content-type": {"type": "string", "const": content_type}, **signature}
    own = {"type": "object", "properties": said}
    required = {} if is_default else {"required": ["content-type"]}  # without it a message is canonical JSON
    return {
        "name": name,
        "summary": summary,
        "contentType": content_type,
        "headers": {"allOf": [{"$ref": "#/components/schemas/cloudEvent"}, own | required]},
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": KAFKA_BINDING}},
    }


def _cloud_event() -> Document:
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "description": "CloudEvents 1.0 in binary mode. None of these is required; ce_id helps whoever looks into a "
        "topic.",
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": text,
            "ce_source": {**text, "examples": ["/sources/ecms"]},
            "ce_type": {**text, "examples": ["needtoknow.access.v1"]},
            "ce_time": {"type": "string", "format": "date-time"},
        },
    }
