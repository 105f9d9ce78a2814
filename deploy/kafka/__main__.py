"""`python -m deploy.kafka`: makes a broker let each source be itself and nobody else (README.md beside this)."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

import click

from deploy.kafka.cluster import carry_out, find
from deploy.kafka.credentials import Keeper
from deploy.kafka.plan import Plan, plan
from deploy.kafka.table import lines
from schemas.errors import NotReadyError
from schemas.principals import principals
from schemas.settings import Settings
from sinks import kafka
from sinks.cli.main import run
from sinks.cli.options import settings as known_settings
from sinks.cli.options import with_broker
from sinks.kafka import Broker

PAUSE_SECONDS: Final = 0.1
CREDENTIALS: Final = "--credentials"

directory = click.option(
    CREDENTIALS,
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where passwords are, a file for each principal. Files that are not there are written, with mode 0600.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Users, rights and quotas of a secured Kafka, all from schemas/principals.py."""


@cli.command()
@directory
@click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do nothing; exit code 1 when that is something."
)
@click.option(
    "--rotate", multiple=True, metavar="NAME", help="Give this principal a new password; several are allowed."
)
@with_broker
def apply(broker: Broker, settings: Settings, credentials: Path, dry_run: bool, rotate: tuple[str, ...]) -> None:
    """Make users, rights and quotas as the table says, and take away what it does not say.

    For an administrator of the broker (a super user of its), by TLS. Says each thing it does; running it again does
    nothing. Passwords are made here, or taken from a file that is there; none is printed, and the broker is sent none.
    What lets others at topics of ours and at more, such as a right to read every topic, is named and not touched: exit
    code 1.

    \b
    Example:
      NTK_SETTINGS_FILE=admin.toml python -m deploy.kafka apply --credentials credentials --dry-run
    """
    if settings.security.is_open:
        raise click.UsageError("without TLS anybody could read along: set NTK_KAFKA_SECURITY, SASL_SSL or SSL")
    known = {p.name for p in principals(settings.topics)}
    if strangers := sorted(set(rotate) - known):
        raise click.BadParameter(f"{strangers[0]} is no principal of the table", param_hint="--rotate")
    found = kafka.run(_apply(broker, settings, Keeper(credentials, settings), rotate, is_dry=dry_run), broker)
    for line in found.lines():
        click.echo(line)
    if found.is_empty and not found.strange:
        click.echo(f"{len(known)} principals are as they should be")
    if found.strange or (dry_run and not found.is_empty):
        raise click.exceptions.Exit(1)


async def _apply(broker: Broker, settings: Settings, keeper: Keeper, rotate: tuple[str, ...], *, is_dry: bool) -> Plan:
    """What was done, or would be."""
    async with kafka.admin(broker) as client:
        todo = plan(settings.topics, settings.group, await find(client), rotate)
        if is_dry or todo.is_empty:
            return todo
        await carry_out(client, todo, keeper)
        began = time.monotonic()
        # Until the broker itself, which hears of it from the controller, lets people do what it was told.
        while not (left := plan(settings.topics, settings.group, await find(client))).is_empty:
            if time.monotonic() - began > broker.timeout:
                raise NotReadyError(f"after {broker.timeout:.0f} s still to do: {next(left.lines())}")
            await asyncio.sleep(PAUSE_SECONDS)
        return todo


@cli.command()
@directory
@click.argument("name", default="admin")
def admin(credentials: Path, name: str) -> None:
    """Make the credential of a new cluster's first administrator, whom `kafka-storage format` is to know."""
    keeper = Keeper(credentials, known_settings())
    keeper.password(name)
    click.echo(f"{keeper.file(name)}: give its password to kafka-storage format --add-scram (README.md)")


@cli.command()
def table() -> None:
    """Print who may do what with which topic, as NTK_TOPIC_PREFIX and NTK_GROUP have it. Asks no broker."""
    for line in lines(known_settings().topics, known_settings().group):
        click.echo(line)


if __name__ == "__main__":
    sys.exit(run(lambda: cli.main(prog_name="python -m deploy.kafka", standalone_mode=False)))
