"""`needtoknow receive`: the process that takes accesses by HTTP, and the keys of those who send them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sys
from pathlib import Path

import click

from schemas.settings import Settings

from .options import registered_source
from .options import settings as known_settings


@click.group(invoke_without_command=True)
@click.option("--broker", metavar="HOST:PORT,...", help="Kafka's address. Default: NTK_BROKER, or 127.0.0.1:9092.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Where to listen. Default: NTK_RECEIVE_PORT, or 6068; 0: any."
)
@click.option(
    "--keys", type=click.Path(dir_okay=False), metavar="FILE", help="Who may send what. Default: NTK_RECEIVE_KEYS_FILE."
)
@click.pass_context
def receive(context: click.Context, broker: str | None, port: int | None, keys: str | None) -> None:
    """Take accesses by HTTP from systems that cannot speak Kafka.

    POST /v1/access/SOURCE takes one access, a batch or one native message, and answers 202 with topic, partition and
    offset of each once the broker has stored all of it; /v1/openapi.json says the rest, and
    deploy/publishing/http.md shows it. Whoever sends has a key, or a certificate, of that source: keys are in a file
    (as hashes) that is read again when it changes, our own TLS certificate on SIGHUP. It listens on NTK_RECEIVE_HOST
    (loopback; elsewhere only with TLS) and serves /live, /ready and /metrics on NTK_ADMIN_HOST and NTK_ADMIN_PORT,
    which must not be a worker's.

    \b
    Example:
      needtoknow receive new-key ecms        # prints a key, and the line for keys.toml
      NTK_ADMIN_PORT=0 needtoknow receive --keys keys.toml
    """
    if context.invoked_subcommand is not None:
        return
    changes: dict[str, object] = {}
    changes |= {"broker": broker} if broker else {}
    changes |= {"receive_port": port} if port is not None else {}
    changes |= {"receive_keys_file": Path(keys)} if keys is not None else {}
    settings = known_settings(**changes)
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    for name in ("aiokafka", "mode", "asyncio", "stamina"):  # what matters of theirs is raised, and told by us
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    from streams.intake.running import serve

    stop, again, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)
    await serve(settings, stop, again)


@receive.command("new-key")
@click.argument("source")
def new_key(source: str) -> None:
    """Make a key for SOURCE: print it once, and the line for the file of keys.

    The file holds a hash only, so whoever reads it cannot send anything. Two keys of one source are both good: put the
    new one beside the old, let the system change, take the old one out.
    """
    from streams.intake.keys import PREFIX, hash_of

    registered_source(known_settings(), source, "SOURCE")
    key = PREFIX + secrets.token_urlsafe(32)
    click.echo("give this to the system, by a safe way; it is shown only now:", err=True)
    click.echo(key)
    click.echo(f"and put this into the file of keys (NTK_RECEIVE_KEYS_FILE), under [{source}]:", err=True)
    click.echo(f'[{source}]\nkeys = ["{hash_of(key)}"]')
