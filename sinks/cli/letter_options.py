"""Options by which dead letters are asked for, shared by every command about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast, get_args

import click
from pydantic import TypeAdapter, ValidationError

from schemas.ids import Id
from schemas.letter_act import REASON_MAX, Reason
from schemas.topics import FEEDS
from sinks.letter_acts import State, who
from sinks.letter_search import Asked

from .options import When, registered_source, settings

P = ParamSpec("P")
R = TypeVar("R")

# Of letters. `broadcast` is of the metric only: what on our own topics is not ours is counted and logged.
STAGES: Final = ("translate", "register", "quarantine", "conflict")
_REASON: Final[TypeAdapter[str]] = TypeAdapter(Reason)
_ID: Final[TypeAdapter[str]] = TypeAdapter(Id)


def asking(command: Callable[Concatenate[Asked, P], R]) -> Callable[P, R]:
    """Adds the filters, and calls `command` with what they come to first."""

    @click.option("--source", metavar="NAME", help="Only messages of this source.")
    @click.option("--feed", type=click.Choice(list(FEEDS)), help="Only messages of this feed.")
    @click.option("--stage", type=click.Choice(STAGES), help="Only what was set aside at this stage.")
    @click.option(
        "--class", "error", metavar="NAME", help="Only this reason (field, forbidden ...), or class of error."
    )
    @click.option("--since", type=When(), help="Only what was set aside since then: 24h, 7d, 2026-01-05T00:00:00Z.")
    @click.option("--until", type=When(), help="Only what was set aside before then.")
    @wraps(command)
    def wrapper(
        *args: Any,
        source: str | None,
        feed: str | None,
        stage: str | None,
        error: str | None,
        since: int | None,
        until: int | None,
        **kwargs: Any,
    ) -> R:
        if source is not None and feed is not None:
            raise click.UsageError("--source and --feed exclude each other: no message is of both")
        if source is not None:
            registered_source(settings(), source)
        if since is not None and since > time.time() * 1000:
            raise click.BadParameter("is still to come", param_hint="--since")
        asked = Asked(source=source, feed=feed, stage=stage, error=error, since=since, until=until)
        return command(asked, *args, **kwargs)

    return wrapper  # type: ignore[return-value] # the options above are what P lacks


state = click.option(
    "--state",
    type=click.Choice([*get_args(State), "all"]),
    default="open",
    show_default=True,
    help="open: nobody has replayed or dropped it yet.",
)


def state_of(value: str) -> State | None:
    """The state that `--state` asks for; None for all of them."""
    return None if value == "all" else cast(State, value)


def named(names: Sequence[str]) -> tuple[frozenset[str], frozenset[int]]:
    """Letters as they were named: by place, and by number. Wrong use when it is neither."""
    places, numbers = set[str](), set[int]()
    for name in names:
        if name.isascii() and name.isdigit() and len(name) < 20:
            numbers.add(int(name))
        elif name.count("/") >= 2:
            places.add(name)
        else:
            raise click.UsageError("name a letter by its number, or by topic/partition/offset, as `list` does")
    return frozenset(places), frozenset(numbers)


def checked_reason(text: str | None, what: str) -> str:
    """The reason, which is kept; wrong use without one. `what` it is needed for."""
    if text is None:
        raise click.UsageError(f"{what} needs --reason TEXT: it is recorded, with your name")
    try:
        return _REASON.validate_python(text.strip())
    except ValidationError:
        raise click.BadParameter(
            f"must be 1 to {REASON_MAX} characters without control characters", param_hint="--reason"
        ) from None


def checked_name(by: str | None) -> str:
    """Who acts: `--by`, or the name that the operating system knows."""
    try:
        return _ID.validate_python(who() if by is None else by)
    except ValidationError:
        raise click.BadParameter(
            "must be 1 to 200 visible ASCII characters without spaces", param_hint="--by"
        ) from None


by = click.option("--by", metavar="NAME", help="Who acts, as it is recorded. Default: the name you are logged in with.")
reason = click.option("--reason", metavar="TEXT", help="Why; recorded for ever with your name. Name nobody in it.")
