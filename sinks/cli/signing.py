"""Signing what a command sends, and `needtoknow signing-key`: the keys of sources that sign their messages (ADR 36)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from schemas.errors import RejectedInputError
from schemas.ids import LATEST_MS, Id, SourceName, format_instant
from schemas.registry_keys import KEY_ID_MAX
from schemas.settings import Settings
from schemas.topics import CONSOLE, SIGNATURE_HEADER
from streams.sources import translate
from streams.sources.signed import signed_number

from .options import registered_source
from .options import settings as known_settings
from .outgoing import Outgoing

if TYPE_CHECKING:
    from schemas.signing import Signer

Sign = Callable[[Outgoing], Outgoing]

_WHAT_NOW: Final = (
    "Put this into the registry (NTK_SOURCES_FILE) of every process, with the instant from which on all messages of\n"
    "this source are signed, and restart them:"
)
EXTRA: Final = "signing needs what signs: install the extra `signatures`"


def signing(settings: Settings, source: SourceName) -> Sign:
    """Puts a signature on each message, by the key of the settings; without one it leaves them as they are.

    Raises UsageError when the key cannot be used, or is needed: whoever runs the command must act.
    """
    if settings.signing_key_file is None:
        if settings.sources[source].keys:
            raise click.UsageError(f"{source} signs its messages: set NTK_SIGNING_KEY_FILE and NTK_SIGNING_KEY_ID")
        return lambda message: message
    topic, signer = settings.topics.access(source), _signer(settings.signing_key_id, settings.signing_key_file)

    def sign(message: Outgoing) -> Outgoing:
        signature = signer.sign(topic, _number(source, message), message.value)
        return replace(message, headers=(*message.headers, (SIGNATURE_HEADER, signature)))

    return sign


def _number(source: SourceName, message: Outgoing) -> int | None:
    """What nobody can read has no number; it becomes a dead letter either way."""
    try:
        return signed_number(translate(source, message.value, message.headers, LATEST_MS))
    except RejectedInputError:
        return None


def _signer(key_id: Id, path: Path) -> Signer:
    try:
        from schemas.signing import Signer
    except ModuleNotFoundError:
        raise click.UsageError(EXTRA) from None
    try:
        return Signer.from_file(key_id, path)
    except RejectedInputError as error:
        raise click.UsageError(f"NTK_SIGNING_KEY_FILE: {error}") from None
    except OSError as error:
        raise click.UsageError(f"NTK_SIGNING_KEY_FILE: cannot be read: {error.strerror}") from None


@click.command("signing-key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--source", metavar="NAME", required=True, help="The source that is to sign with it.")
@click.option("--id", "key_id", metavar="ID", help="What messages call the key. Default: source and month.")
def signing_key(file: Path, source: str, key_id: str | None) -> None:
    """Make a key by which a source signs its messages: FILE gets the private one, the registry the public one.

    FILE is for the source alone (NTK_SIGNING_KEY_FILE and NTK_SIGNING_KEY_ID for `send`, `Signer.from_file` for the
    emitter). What is printed goes into the registry (NTK_SOURCES_FILE) of every process: from the instant on that it
    names, what this source has not signed is a dead letter of reason tampering, and somebody is paged.

    \b
    Example:
      needtoknow signing-key ecms.pem --source ecms
    """
    registered_source(known_settings(), source)
    if source == CONSOLE:
        raise click.BadParameter("the console is a process of ours and does not sign", param_hint="--source")
    now = format_instant(int(time.time()) * 1000)
    named = key_id if key_id is not None else f"{source}-{now[:7]}"
    if not (named.isascii() and named.isprintable() and 0 < len(named) <= KEY_ID_MAX and not set(named) & set(' "\\')):
        raise click.BadParameter(f"must be 1 to {KEY_ID_MAX} letters, digits and signs", param_hint="--id")
    try:
        from schemas.signing import Signer, new_key
    except ModuleNotFoundError:
        raise click.UsageError(EXTRA) from None
    pem, key = new_key()
    _write(file, pem)
    click.echo(f"{file} is the private key: give it to {source}, by a safe way, and to nobody else.", err=True)
    click.echo(_WHAT_NOW, err=True)
    click.echo(f'[[keys.{source}]]\nid = "{named}"\nx = "{Signer(named, key).x}"\nsince = "{now}"')


def _write(file: Path, pem: bytes) -> None:
    """For its owner only, and never over another."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise click.BadParameter(f"File '{file}' is there already.", param_hint="'FILE'") from None
    except OSError as error:
        raise click.BadParameter(f"File '{file}' cannot be written: {error.strerror}", param_hint="'FILE'") from None
    with os.fdopen(handle, "wb") as written:
        written.write(pem)
