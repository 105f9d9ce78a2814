"""Options that several commands share, and the settings behind them."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click
from pydantic import ValidationError

from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.policy import Policy
from schemas.settings import Settings
from sinks.kafka import Broker
from streams.policies import load_policy

P = ParamSpec("P")
R = TypeVar("R")

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/@\[\]]+)"
_ADDRESSES: Final = re.compile(rf"{_HOST}:[0-9]{{1,5}}(,{_HOST}:[0-9]{{1,5}})*")


def settings(**given: Any) -> Settings:
    """The settings of this process, those given on top. A wrong one is wrong use: it is named, its value is not."""
    try:
        known = Settings(**given)
        known.sources  # noqa: B018 - read now: a wrong registry must not be told as an answer of the command
    except RejectedInputError as error:
        raise click.UsageError(f"NTK_SOURCES_FILE: {error}") from None
    except ValidationError as error:
        faults = (_fault(e["loc"], e["msg"]) for e in error.errors(include_input=False))
        raise click.UsageError("settings: " + "; ".join(faults)) from None
    return known


def registered_source(settings: Settings, name: str, option: str = "--source") -> None:
    """Wrong use when there is no source of this name: neither one of ours nor one that the registry has."""
    if name not in settings.sources:
        file = "is not set" if settings.sources_file is None else f"is {settings.sources_file}"
        raise click.BadParameter(
            f"must be one of {', '.join(sorted(settings.sources))}; another system needs an entry in the registry "
            f"(NTK_SOURCES_FILE {file}): deploy/publishing/register.md",
            param_hint=option,
        )


def _fault(place: tuple[int | str, ...], words: str) -> str:
    """What is wrong with one setting, or with several together: then the words name them."""
    return f"NTK_{'_'.join(map(str, place)).upper()}: {words}" if place else words.removeprefix("Value error, ")


class Seconds(click.FloatRange):
    """A span of time: not negative, not endless, and a number."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds; wrong use when it is none."""
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail("must be a number of seconds", param, ctx)
        return seconds


class When(click.ParamType):
    """An instant, in UTC milliseconds: RFC 3339 with an offset, or so long before now."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The instant; wrong use when it is none."""
        if isinstance(value, int):
            return value
        if found := _SPAN.fullmatch(value):
            return int(time.time() * 1000) - int(found[1]) * _UNITS_MS[found[2]]
        try:
            return parse_instant(value)
        except ValueError as error:
            self.fail(f"{error}, or a span before now like 24h, 7d or 30m", param, ctx)


_SPAN: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def with_broker(command: Callable[Concatenate[Broker, Settings, P], R]) -> Callable[P, R]:
    """Adds --broker and --timeout, and calls `command` with the broker and the settings first."""

    @click.option("--broker", metavar="HOST:PORT,...", help="Kafka's address. Default: NTK_BROKER, or 127.0.0.1:9092.")
    @click.option(
        "--timeout",
        type=Seconds(min=0, min_open=True),
        metavar="SECONDS",
        help="How long to wait for Kafka before giving up with exit code 3. Default: NTK_BROKER_WAIT_SECONDS, or 60.",
    )
    @wraps(command)
    def wrapper(*args: Any, broker: str | None, timeout: float | None, **kwargs: Any) -> R:
        known = settings()
        address = known.broker if broker is None else broker
        if not _ADDRESSES.fullmatch(address):
            raise click.UsageError("the broker's address must be host:port, several separated by commas")
        wait = known.broker_wait_seconds if timeout is None else timeout
        return command(Broker(address, wait, known.security), known, *args, **kwargs)

    return wrapper  # type: ignore[return-value] # the options above are what P lacks


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of lines for people.")


def policy_in(path: Path) -> Policy:
    """The policy of `--policy`. A document that is none is wrong use: 1 would be taken for differences."""
    try:
        return load_policy(path)
    except RejectedInputError as error:
        raise click.BadParameter(str(error), param_hint="--policy") from None
