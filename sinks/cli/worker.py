"""`needtoknow worker`: one worker of the service."""

from __future__ import annotations

import asyncio
import logging
import sys

import click

from schemas.errors import NotReadyError, RejectedInputError
from schemas.settings import Settings


@click.command()
@click.option(
    "--broker", metavar="HOST:PORT,...", help="Kafka address(es) as host:port; default: NTK_BROKER or 127.0.0.1:9092."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait for the broker; then exit with 3.")
def worker(broker: str | None, timeout: float | None) -> None:
    """Run one worker: register facts, judge accesses, publish findings.

    Start as many as you like; they share the work through the consumer group. Each serves /live, /ready and /metrics on
    NTK_ADMIN_HOST and NTK_ADMIN_PORT (default 127.0.0.1, 6066; a second worker on one machine needs another port, 0
    takes any). SIGTERM ends it within ten seconds with nothing lost, also while the broker is away; what has not
    ended soon after is named in the log, and the worker ends with 70.

    Example: needtoknow worker --broker 127.0.0.1:9092
    """
    changes: dict[str, object] = {}
    if broker:
        changes["broker"] = broker
    if timeout:
        changes["broker_wait_seconds"] = timeout
    settings = Settings(**changes)  # type: ignore[arg-type] # checked by pydantic
    try:
        settings.sources  # noqa: B018 - read now: nobody should wait for the broker to be told
    except RejectedInputError as error:
        raise click.UsageError(f"NTK_SOURCES_FILE: {error}") from None
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    sys.exit(_run(settings))


def _run(settings: Settings) -> int:
    # Here and not above: Faust takes a second to import, and `--help` need not.
    import faust

    from streams.app import build_app, quiet_logs
    from streams.ready import check_admin_port, wait_for_topics
    from streams.stopping import StopLimit

    quiet_logs()
    try:
        check_admin_port(settings)
        asyncio.run(wait_for_topics(settings))
    except NotReadyError as error:
        click.echo(f"needtoknow: {error}", err=True)
        return 3
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = build_app(settings)
    app.on_stopping = StopLimit().begin
    running = faust.Worker(app, loop=loop, loglevel=None, redirect_stdouts=False, override_logging=False, quiet=True)
    try:
        running.execute_from_commandline()
    except SystemExit as end:  # Faust's way to end; 1 after any error
        if isinstance(end.__context__, NotReadyError):
            click.echo(f"needtoknow: {end.__context__}", err=True)
            return 3
        raise
    return 0
