"""Messages that mean harm, by content type: each format's corpus, and damaged copies of honest messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Final, NamedTuple

from schemas.topics import (
    ACCURINT_BATCH,
    ACCURINT_ROW,
    CANONICAL,
    CLEAN_LINES,
    ECMS_SYSLOG,
    FACTS2_CDC,
    FACTS_LINE,
    HEARTBEAT,
    IRSS_ROW,
    JNET_XML,
    PAPER_SLIP,
)

from . import accurint, canonical, clean, ecms, facts, facts2, heartbeat, irss, jnet, paper


class Corpus(NamedTuple):
    """Of one content type: who sends it, what must be rejected, and what is only strange."""

    source: str
    content_type: str
    hostile: Mapping[str, bytes]
    harmless: Mapping[str, bytes]


def _of_accurint(*, is_batch: bool) -> dict[str, bytes]:
    return {name: value for name, value in accurint.HARMLESS.items() if value.startswith(b"JOB,") == is_batch}


CORPORA: Final = (
    Corpus("ecms", CANONICAL, canonical.HOSTILE, canonical.HARMLESS),
    Corpus("ecms", HEARTBEAT, heartbeat.HOSTILE, heartbeat.HARMLESS),
    Corpus("facts", FACTS_LINE, facts.HOSTILE, facts.HARMLESS),
    Corpus("facts2", FACTS2_CDC, facts2.HOSTILE, facts2.HARMLESS),
    Corpus("irss", IRSS_ROW, irss.HOSTILE, irss.HARMLESS),
    Corpus("clean", CLEAN_LINES, clean.HOSTILE, clean.HARMLESS),
    Corpus("jnet", JNET_XML, jnet.HOSTILE, jnet.HARMLESS),
    Corpus("accurint", ACCURINT_ROW, accurint.ROW_HOSTILE, _of_accurint(is_batch=False)),
    Corpus("accurint", ACCURINT_BATCH, accurint.BATCH_HOSTILE, _of_accurint(is_batch=True)),
    Corpus("ecms", ECMS_SYSLOG, ecms.HOSTILE, ecms.HARMLESS),
    Corpus("paper", PAPER_SLIP, paper.HOSTILE, paper.HARMLESS),
)

_ODD: Final = (b"\0", b"\n", b'"', b"\\", b"<", b"&", b"|", b",", b"\xff", b"\xc3", b"\x1b", b"9" * 30, b"[" * 40)


def damaged(corpus: Corpus, seed: int, count: int) -> Iterator[bytes]:
    """Copies of a corpus' messages, each with a passage or two cut out, doubled, swapped or overwritten; of three two
    were right before."""
    rng = Random(seed)
    right, wrong = sorted(corpus.harmless.values()), sorted(v for v in corpus.hostile.values() if len(v) <= 4_096)
    for _ in range(count):
        value = rng.choice(right if rng.random() < 0.67 else wrong)
        for _ in range(rng.randrange(1, 3)):
            value = _once(rng, value)
        yield value


def _once(rng: Random, value: bytes) -> bytes:
    first = rng.randrange(len(value) + 1)
    last = min(len(value), first + rng.choice((1, 1, 2, 8, 64)))
    match rng.randrange(5):
        case 0:
            return value[:first] + value[last:]
        case 1:
            return value[:first] + value[first:last].swapcase() + value[last:]
        case 2:
            return value[:first] + rng.choice(_ODD) + value[first:]
        case 3:
            return value[:first] + rng.randbytes(min(last - first, 8)) + value[min(last, first + 8) :]
        case _:
            return value[:first] + value[first:last] * 2 + value[last:]
