"""`needtoknow replay`: what would be said of a range of accesses, beside what has been said. Nothing is published."""

from __future__ import annotations

import time
from pathlib import Path

import click

from schemas.settings import Settings
from sinks.kafka import Broker, run
from streams.policies import load_policy

from .codes import GOOD, NO, NOT_READY
from .lines import json_line
from .options import When, as_json, policy_in, registered_source, with_broker
from .replay_lines import Replayed, difference_document, difference_line, summary_document, summary_lines
from .replay_range import Replay
from .replaying import Difference


@click.command()
@click.option("--from", "first", type=When(), required=True, help="From when on: 2026-01-05T00:00:00Z, or 24h, 7d.")
@click.option("--to", "end", type=When(), help="Up to when, this instant not included. Default: now.")
@click.option("--source", metavar="NAME", help="Accesses of this source only.")
@click.option(
    "--as-known",
    type=click.Choice(["then", "now"]),
    default="now",
    show_default=True,
    help="By the facts and marks that the ledger says were known when each was judged, or by all there are now.",
)
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A policy document (TOML): what would it have said? Default: the policy of this installation.",
)
@as_json
@with_broker
def replay(
    broker: Broker,
    settings: Settings,
    first: int,
    end: int | None,
    source: str | None,
    as_known: str,
    policy_file: Path | None,
    as_json: bool,
) -> int:
    """Judge accesses once more, publish nothing, and show what would be said otherwise.

    The range is by when the broker stored the message that tells of an access, not by when the access happened. As
    known "now", what is judged is compared with the findings that stand; as known "then", at the position and marks at
    which the ledger says that it was first decided, with what had been said at that position. Without --policy there
    should be no difference; first wait until `needtoknow status` is idle, or what is still to be said is shown as one.

    Exit 0: no difference; 1: some; 3: no message was stored in that range. With --json: a line for each difference,
    then one for the whole.

    \b
    Example:
      needtoknow replay --from 24h
      needtoknow replay --from 2026-01-05T00:00:00Z --to 2026-01-06T00:00:00Z --as-known then
      needtoknow replay --from 7d --source ecms --policy stricter.toml
    """
    if source is not None:
        registered_source(settings, source)
    end = int(time.time() * 1000) if end is None else end
    if first >= end:
        raise click.UsageError("--from must be before --to")
    live = load_policy(settings.policy_file)
    policy = live if policy_file is None else policy_in(policy_file)
    done = Replayed(policy=policy.ref(), as_known=as_known, first=first, end=end, source=source)

    def show(one: Difference) -> None:
        text = json_line(difference_document(one)) if as_json else difference_line(one, as_known)
        click.echo(text)

    run(Replay(broker, settings, policy, live, done, show).run(), broker)
    for line in [json_line(summary_document(done))] if as_json else summary_lines(done):
        click.echo(line)
    return _code(done)


def _code(done: Replayed) -> int:
    if done.differences:
        return NO
    return GOOD if done.messages else NOT_READY
