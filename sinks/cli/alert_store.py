"""`needtoknow alerts` on the store itself: rows made anew, the chain checked, copies made and brought back.

For whoever looks after the installation, on the machine that has the store's address; a console need not run.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import click

from schemas.act import Act
from schemas.settings import Settings
from sinks import kafka
from sinks.alerts.comparing import Comparison, in_pieces
from sinks.alerts.rebuilding import adopt, read_act, rebuild
from sinks.alerts.service import open_store
from sinks.alerts.walking import SHOWN_MAX, Walk
from sinks.kafka import Broker
from sinks.progress import progress
from sinks.store.copying import copy_store, restore_store

from .existing import existing_store
from .lines import json_line
from .options import as_json, settings, with_broker


@click.command("rebuild")
@click.option(
    "--from-kafka", is_flag=True, help="First bring back the acts that alert-events.v1 has and the store lacks."
)
@with_broker
def rebuild_rows(broker: Broker, settings: Settings, from_kafka: bool) -> None:
    """Make every row of the store anew from its acts, which stay as they are.

    With --from-kafka also a store that was lost, or an old copy, has all acts again that had been mirrored. Stop the
    consoles first. Refused when the acts do not follow each other: then somebody has changed them.
    """
    store = open_store(settings)
    store.upgrade()
    if from_kafka:
        acts = kafka.run(_mirrored(broker, settings), broker)
        click.echo(f"{adopt(store, acts)} acts brought back from {settings.topics.alert_events}")
    with store.reading() as reading:
        total = reading.head().number
    with progress("acts", total) as done:
        count = rebuild(store, done)
    click.echo(f"rows made anew from {count} acts")
    store.close()


@click.command("verify")
@as_json
@with_broker
def verify_acts(broker: Broker, settings: Settings, as_json: bool) -> int:
    """Check that no act was changed, moved or taken out: in the store, in its topic, and between the two.

    Exit code 1 when anything differs.
    """
    store = existing_store(settings)
    store.refuse_unless_current()
    comparison = Comparison(store)
    others = kafka.run(_compared(comparison, broker, settings.topics.alert_events), broker)
    walk, own = Walk(versions={}), []
    with store.reading() as reading:  # as of one moment, and nobody who writes waits for it
        while not walk.is_over:
            own += [f"store: {words}" for words in walk.step(reading)]
    store.close()
    found = own[:SHOWN_MAX] + others[:SHOWN_MAX]  # where all was linked anew, each act is one
    if as_json:
        click.echo(json_line({"acts": walk.count, "mirrored": comparison.count, "differences": found}))
    else:
        for words in found:
            click.echo(words)
        how = "as they were written" if not found else "NOT as written"
        click.echo(f"{walk.count} acts, {comparison.count} mirrored: {how}")
    return 1 if found else 0


async def _compared(comparison: Comparison, broker: Broker, topic: str) -> list[str]:
    found: list[str] = []
    async with aclosing(in_pieces(broker, topic, "first")) as pieces:
        async for piece in pieces:
            found += await asyncio.to_thread(comparison.take, piece)
    return found + comparison.missing()


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the store into a file, while consoles go on. PostgreSQL's own pg_dump does it there.

    \b
    Example:
      needtoknow alerts backup alerts-2026-01-05.copy
    """
    known = settings()
    store = existing_store(known)
    store.refuse_unless_current()
    copy_store(store, file)
    store.close()
    click.echo(f"copied to {file}")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def restore(file: Path) -> None:
    """Bring a copy back into an empty store. Then bring it up to date: needtoknow alerts rebuild --from-kafka."""
    store = open_store(settings())
    restore_store(store, file)
    store.close()
    click.echo("brought back; now run: needtoknow alerts rebuild --from-kafka")


async def _mirrored(broker: Broker, settings: Settings) -> list[Act]:
    async with aclosing(kafka.read_topic(broker, settings.topics.alert_events)) as messages:
        return [read_act(message.value) async for message in messages]
