"""The envelope of what we define (design section 3): CloudEvents 1.0 in binary mode, the value untouched."""

from __future__ import annotations

Header = tuple[str, bytes]


def cloud_event(
    event_id: str, source: str, event_type: str, content_type: str, time: str | None = None
) -> tuple[Header, ...]:
    """CloudEvents 1.0 in binary mode: the envelope in headers, the value untouched."""
    names = {"ce_specversion": "1.0", "ce_id": event_id, "ce_source": source, "ce_type": event_type, "ce_time": time}
    names["content-type"] = content_type
    return tuple((name, text.encode()) for name, text in names.items() if text is not None)
