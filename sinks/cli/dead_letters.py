"""`needtoknow dead-letters`: messages that could not be read, and why."""

from __future__ import annotations

import base64
from contextlib import aclosing

import click

from schemas.errors import RejectedInputError
from schemas.settings import Settings
from sinks import kafka
from sinks.kafka import Broker
from sinks.letters import DeadLetter, joined, read_letter

from .lines import json_line, letter_line, letter_page
from .options import as_json, with_broker


@click.group()
def dead_letters() -> None:
    """List and show messages that could not be read. Each was set aside, and the next one judged."""


@dead_letters.command("list")
@as_json
@with_broker
def list_letters(broker: Broker, settings: Settings, as_json: bool) -> None:
    """List dead letters: when, which message (topic/partition/offset), at which stage, what was wrong.

    What was in the message is not shown: it may be somebody's data.

    \b
    Example:
      needtoknow dead-letters list
    """
    letters = kafka.run(_letters(broker, settings), broker)
    for letter in letters:
        click.echo(json_line(letter.document()) if as_json else letter_line(letter))
    if not letters and not as_json:
        click.echo("no dead letters")


@dead_letters.command()
@click.argument("message", metavar="TOPIC/PARTITION/OFFSET")
@click.option("--reveal", is_flag=True, help="Also show what was in the message; it may be somebody's data.")
@as_json
@with_broker
def show(broker: Broker, settings: Settings, message: str, reveal: bool, as_json: bool) -> None:
    """Show one dead letter, named as `dead-letters list` names it.

    Its content and headers stay hidden without --reveal; then control characters are shown as escapes, and --json gives
    the bytes in base64.

    \b
    Example:
      needtoknow dead-letters show access.ecms.v1/2/991
    """
    letters = kafka.run(_letters(broker, settings), broker)
    letter = next((one for one in letters if one.name == message), None)
    if letter is None:
        raise RejectedInputError("message", "is no dead letter; `needtoknow dead-letters list` names them all")
    click.echo(_json_page(letter, reveal=reveal) if as_json else letter_page(letter, reveal=reveal))


def _json_page(letter: DeadLetter, *, reveal: bool) -> str:
    document = letter.document()
    document["headers"] = len(letter.headers)
    if reveal:
        document["headers"] = [[name, _base64(value)] for name, value in letter.headers]
        document["key_base64"] = _base64(letter.key)
        document["content_base64"] = _base64(letter.value)
    return json_line(document)


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


async def _letters(broker: Broker, settings: Settings) -> list[DeadLetter]:
    async with aclosing(kafka.read_topic(broker, settings.topics.dead_letters)) as messages:
        return joined([read_letter(message) async for message in messages])
