"""`needtoknow console`: the process that people who look at alerts use."""

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
    "--port", type=click.IntRange(0, 65_535), help="Where to listen. Default: NTK_CONSOLE_PORT, or 6067; 0: any."
)
@click.option(
    "--demo-users", metavar="LOGIN:ROLE,...", help="Who may sign in without a password, on this machine only."
)
def console(broker: str | None, port: int | None, demo_users: str | None) -> None:
    """Run the console: alerts made of findings, pages, live rows and the API.

    It keeps alerts in NTK_STORE_URL (default: alerts.db in NTK_DATA_DIR, which must not be lost) and serves everything
    on NTK_CONSOLE_HOST and NTK_CONSOLE_PORT, with /live, /ready and /metrics. Who signs in is a staff member by an
    account fact of the source `console`; whom no fact knows sees nothing. Roles: viewer, analyst, investigator, law,
    auditor, admin.

    \b
    Example:
      needtoknow console --demo-users ana:analyst,leo:law
    """
    changes: dict[str, object] = {}
    changes |= {"broker": broker} if broker else {}
    changes |= {"console_port": port} if port is not None else {}
    changes |= {"console_demo_users": demo_users} if demo_users is not None else {}
    settings = known_settings().model_copy(update=changes)
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters is raised, and said by whoever catches it
    logging.getLogger("alembic").setLevel(logging.WARNING)
    _run(settings)


def _run(settings: Settings) -> None:
    try:
        from sinks.console.running import serve
    except ModuleNotFoundError as error:
        raise NotReadyError(f"the console needs {error.name}: install needtoknow[console]") from None

    async def until_told() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve(settings, stop)

    try:
        asyncio.run(until_told())
    except* NotReadyError as errors:
        raise errors.exceptions[0] from None
