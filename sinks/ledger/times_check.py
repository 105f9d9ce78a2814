"""Whether the cuts were made by the times that the registry says here. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from schemas.ledger import Times, said
from schemas.registry import times_in, written_times
from schemas.topics import source_of

from .logs import Logs


def check_times(logs: Logs) -> Iterator[str]:
    """The differences, once for each topic: no cut of it can be derived with another registry."""
    sources = logs.sources
    said = Counter((topic, stored.cut.times) for (topic, _), some in logs.cuts.items() for stored in some)
    for (topic, times), count in sorted(said.items(), key=str):
        if (name := source_of(topic)) not in sources:
            yield f"{topic}: {count} cuts are of a source that is not registered here (NTK_SOURCES_FILE)"
        elif times != written_times(sources, name) and times != times_in(sources[name]):
            here = _words(times_in(sources[name]))
            yield f"{topic}: {count} cuts were judged {_words(times)}; the registry here says {here}"


def _words(times: Times | None) -> str:
    if times is None:
        return "without a word of precision and clock error"
    return f"with {said(times)}"
