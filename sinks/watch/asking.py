"""Asks the process that watches the sources how they stand; for `status` and the console."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

import aiohttp
from orjson import loads

from schemas.ids import SourceName
from schemas.settings import Settings

from .report import Asked, report_of

SECONDS: Final = 2.0  # it answers from memory
ANSWER_MAX: Final = 1_048_576  # bytes; 1 KB a source
HOW: Final = "start it: needtoknow watch"


async def ask(settings: Settings) -> Asked:
    """One question, of two seconds at most. It never raises: that nobody watches is an answer."""
    found = await _answer(settings)
    return replace(found, is_required=found.is_required or "watch_url" in settings.model_fields_set)


async def _answer(settings: Settings) -> Asked:
    url = f"{settings.watch_url}/sources"
    try:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session, session.get(url) as answer:
            body = await answer.content.read(ANSWER_MAX)
            return read(body, settings.topics.ledger, settings.sources)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return Asked(why_not=f"nothing watches them at {settings.watch_url}; {HOW}")
    except ValueError:
        return Asked(why_not=f"what answers at {settings.watch_url} is no needtoknow watch; NTK_WATCH_URL names it")


def read(body: bytes, ledger: str, sources: Collection[SourceName] = ()) -> Asked:
    """What an answer says, and of which of these sources it says nothing. Raises ValueError when it is none of ours."""
    try:
        document: dict[str, Any] = loads(body)
        if document["ledger"] != ledger:
            return Asked(why_not=f"what watches there watches {document['ledger']}, not {ledger}")
        if document["not_ready"] is not None:
            return Asked(why_not=f"what watches them is not ready: {document['not_ready']}")
        reports = tuple(report_of(one) for one in document["sources"])
        unknown = sorted(set(sources) - {report.name for report in reports})
        if unknown:  # it answers, so whoever asks has one, and wants it to watch them, too
            return Asked(reports, f"what watches there has not {', '.join(unknown)} in its registry", is_required=True)
        return Asked(reports)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("is not the answer of a watch") from error
