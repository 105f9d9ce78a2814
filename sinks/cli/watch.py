"""`needtoknow watch`: the process that notices what is missing."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import click

from schemas.errors import NotReadyError
from schemas.settings import Settings

from .options import settings as known_settings


@click.command()
@click.option("--broker", metavar="HOST:PORT,...", help="Kafka's address. Default: NTK_BROKER, or 127.0.0.1:9092.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Where to listen. Default: NTK_WATCH_PORT, or 6069; 0: any."
)
def watch(broker: str | None, port: int | None) -> None:
    """Watch the sources: numbers that never came, silence, files that are overdue, clocks that are off.

    It reads the ledger and the ends of the access topics, writes nothing to Kafka, and serves /live, /ready, /metrics
    and /sources (as JSON, what `needtoknow status` shows) on NTK_ADMIN_HOST. A number counts as missing
    NTK_MISSING_AFTER_SECONDS after a higher one was judged, and all that was stored by then as well. Run one; a
    second one works out the same.

    Example: needtoknow watch --broker 127.0.0.1:9092
    """
    changes: dict[str, object] = {}
    changes |= {"broker": broker} if broker else {}
    changes |= {"watch_port": port} if port is not None else {}
    settings = known_settings().model_copy(update=changes)
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters is raised, and said by whoever catches it
    _run(settings)


def _run(settings: Settings) -> None:
    from sinks.watch.running import serve

    async def until_told() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve(settings, stop)

    try:
        asyncio.run(until_told())
    except* NotReadyError as errors:
        raise errors.exceptions[0] from None
