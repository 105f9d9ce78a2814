"""The id of a local broker's cluster."""

from __future__ import annotations

import base64
import uuid

import pytest

from deploy.local import kafka


def test_an_id_is_never_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's tool reads one that begins with a dash as an option, and one start in 64 failed."""
    dashed, plain = uuid.UUID(bytes=b"\xf8" + b"\x01" * 15), uuid.UUID(bytes=b"\x01" * 16)
    assert base64.urlsafe_b64encode(dashed.bytes).startswith(b"-")
    drawn = iter((dashed, plain))
    monkeypatch.setattr(uuid, "uuid4", lambda: next(drawn))

    assert kafka._cluster_id() == "AQEBAQEBAQEBAQEBAQEBAQ"
