"""`needtoknow alerts`: the console's alerts from a terminal, by the same rules and with the same history."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar, get_args

import click

from schemas.act import Disposition, Obligation
from schemas.alert import Status
from schemas.errors import NotReadyError
from schemas.finding import Outcome, Severity
from schemas.settings import Settings

from . import alert_client
from .alert_client import RefusedError, client
from .alert_lines import alert_line, alert_page, findings_csv, may_words
from .alert_store import backup, rebuild_rows, restore, verify_acts
from .alert_table import show_table
from .lines import json_line, safe
from .options import as_json, settings

T = TypeVar("T")

AGAIN_SECONDS: Final = 2.0  # before live rows are asked for again; a console that is started anew needs as long


@click.group()
def alerts() -> None:
    """List, take, decide and follow alerts, as the console's pages do.

    Needs a running console (NTK_CONSOLE_URL) and a session: sign in once, or set NTK_TOKEN.

    \b
    Example:
      needtoknow alerts sign-in ana
      needtoknow alerts list --status open
      needtoknow alerts acknowledge a_0123456789abcdef0123456789abcdef
    """


@alerts.command("sign-in")
@click.argument("login")
def sign_in(login: str) -> None:
    """Begin a session, and keep its token in NTK_DATA_DIR for the commands that follow.

    Only demo users of a console on this machine can sign in here; they have no password.
    """
    known = settings()

    async def work() -> Any:
        async with client(known, is_signed_in=False) as console:
            return await console.post("/sessions", {"login": login})

    session = alert_client.run(work())
    alert_client.keep_token(known, session["token"])
    staff = session.get("staff")
    who = f"you are {staff}" if staff else "no fact says who you are yet, so you see nothing"
    click.echo(f"signed in as {session['login']} ({session['role']}) until {session['until']}: {who}")


@alerts.command("sign-out")
def sign_out() -> None:
    """End the session, everywhere."""
    known = settings()

    async def work() -> None:
        async with client(known) as console:
            await console.delete("/sessions/current")

    alert_client.run(work())
    alert_client.forget_token(known)


def _many(name: str, values: tuple[str, ...], words: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", multiple=True, type=click.Choice(values), help=words)


@alerts.command("list")
@_many("status", get_args(Status), "Only of this status; may be given several times.")
@_many("severity", get_args(Severity), "Only of this severity; may be given several times.")
@_many("outcome", get_args(Outcome), "Only of this outcome; may be given several times.")
@_many("disposition", get_args(Disposition), "Only decided so; may be given several times.")
@click.option("--mine", is_flag=True, help="Only those that you hold.")
@click.option("--owed", is_flag=True, help="Only those with an open obligation.")
@click.option("--gravest", is_flag=True, help="The gravest first, not those changed last.")
@click.option("-n", "--count", type=click.IntRange(1, 200), default=50, show_default=True, help="How many at most.")
@as_json
def list_alerts(count: int, mine: bool, owed: bool, gravest: bool, as_json: bool, **chosen: tuple[str, ...]) -> None:
    """List alerts, those changed last first: severity, age, status, who did what to whose record, and why."""
    query = [(name, value) for name, values in chosen.items() for value in values]
    query += [("limit", str(count)), *([("holder", "me")] if mine else []), *([("owed", "true")] if owed else [])]
    query += [("order", "severity")] if gravest else []

    async def work() -> Any:
        async with client(settings()) as console:
            return (await console.get("/alerts", query))["alerts"]

    found = alert_client.run(work())
    if as_json:
        for alert in found:
            click.echo(json_line(alert))
    elif sys.stdout.isatty():
        show_table(found, _now())
    else:
        for alert in found:
            click.echo(alert_line(alert, _now()))
    if not found and not as_json:
        click.echo("no alerts")


@alerts.command()
@click.argument("alert_id", metavar="ALERT")
@as_json
def show(alert_id: str, as_json: bool) -> None:
    """Show one alert: why it is one, each finding with the paths that came close, its history, and what you may do."""

    async def work() -> Any:
        async with client(settings()) as console:
            detail = await console.get(f"/alerts/{alert_id}")
            findings = (await console.get(f"/alerts/{alert_id}/findings"))["findings"]
            return detail, findings, await _history(console, alert_id), await console.get("/sessions/current")

    detail, findings, acts, session = _of(alert_id, work())
    if as_json:
        click.echo(json_line({**detail, "findings": findings, "history": acts}))
    else:
        click.echo(alert_page(detail["alert"], may_words(detail["alert"], detail["deeds"], session), findings, acts))


async def _history(console: alert_client.Client, alert_id: str) -> list[Any]:
    acts: list[Any] = []
    query: list[tuple[str, str]] = []
    while True:
        page = await console.get(f"/alerts/{alert_id}/history", query)
        acts += page["acts"]
        if "next" not in page:
            return acts
        query = [("after", page["next"])]


def _of(alert_id: str, work: Coroutine[Any, Any, T]) -> T:
    """What work on one alert comes to; of one that is not there, or not yet taken, it is said what to do."""

    async def told() -> T:
        try:
            return await work
        except RefusedError as error:
            if error.status == 404:
                raise RefusedError(404, f"no alert {safe(alert_id)} (or it is kept from you)") from None
            raise

    return alert_client.run(told())


def _do(alert_id: str, command: str, body: dict[str, Any], *, as_json: bool) -> Any:
    """One command to the console, and what it has done."""

    async def work() -> Any:
        async with client(settings()) as console:
            return await console.post(f"/alerts/{alert_id}/{command}", body)

    done = _of(alert_id, work())
    click.echo(json_line(done) if as_json else alert_line(done.get("done", done)["alert"], _now()))
    return done


ALERT: Final = click.argument("alert_id", metavar="ALERT")
WHY: Final = click.option("--why", required=True, help="In words, for the history.")


@alerts.command()
@ALERT
@as_json
def acknowledge(alert_id: str, as_json: bool) -> None:
    """Take an alert: it is yours until you release or close it."""
    _do(alert_id, "acknowledge", {}, as_json=as_json)


@alerts.command()
@ALERT
@WHY
@as_json
def release(alert_id: str, why: str, as_json: bool) -> None:
    """Give an alert back, for somebody else to take."""
    _do(alert_id, "release", {"why": why}, as_json=as_json)


@alerts.command()
@ALERT
@click.option("--as", "disposition", required=True, type=click.Choice(get_args(Disposition)), help="What you decided.")
@WHY
@click.option("--refer", is_flag=True, help="Ask the Law Department whether it is prosecuted; with --as confirmed.")
@as_json
def close(alert_id: str, disposition: str, why: str, refer: bool, as_json: bool) -> None:
    """Decide an alert that you hold. Only a person confirms a violation."""
    _do(alert_id, "close", {"disposition": disposition, "why": why, "refer": refer}, as_json=as_json)


@alerts.command()
@ALERT
@WHY
@as_json
def reopen(alert_id: str, why: str, as_json: bool) -> None:
    """Open a closed alert once more."""
    _do(alert_id, "reopen", {"why": why}, as_json=as_json)


@alerts.command()
@ALERT
@click.argument("text")
@as_json
def note(alert_id: str, text: str, as_json: bool) -> None:
    """Write something down, in the history of an alert."""
    _do(alert_id, "note", {"text": text}, as_json=as_json)


@alerts.command()
@ALERT
@click.option("--as", "obligation", required=True, type=click.Choice(get_args(Obligation)), help="What was owed.")
@click.option("--reference", required=True, help="The record of it, outside this system.")
@as_json
def record(alert_id: str, obligation: str, reference: str, as_json: bool) -> None:
    """Say by which record an obligation of a confirmed alert was met."""
    _do(alert_id, "record", {"obligation": obligation, "reference": reference}, as_json=as_json)


@alerts.command()
@ALERT
@WHY
@click.option("--format", "kind", type=click.Choice(["json", "csv"]), default="json", show_default=True)
def export(alert_id: str, why: str, kind: str) -> None:
    """Print a copy of an alert with whose record it was. This is an access, and judged as one."""

    async def work() -> Any:
        async with client(settings()) as console:
            return await console.post(f"/alerts/{alert_id}/export", {"why": why})

    copy = _of(alert_id, work())
    click.echo(findings_csv(copy["findings"]) if kind == "csv" else json_line(copy), nl=kind == "json")
    if copy["left_out"]:
        click.echo(f"left out: {copy['left_out']} findings", err=True)


@alerts.command()
@as_json
def tail(as_json: bool) -> None:
    """Follow alerts as they come and change; Ctrl-C ends. Nothing is missed while the console is started anew."""
    with suppress(KeyboardInterrupt):  # the way to end a program that never ends is no error
        alert_client.run(_tail(settings(), as_json=as_json))


async def _tail(known: Settings, *, as_json: bool) -> None:
    since: str | None = None
    async with client(known) as console:
        await console.get("/sessions/current")  # who is not signed in, or asks where nobody is, learns it at once
        click.echo("following; Ctrl-C ends", err=True)
        while True:
            try:
                since = await _follow(console, since, as_json=as_json)
            except NotReadyError as error:
                click.echo(f"needtoknow: {error}; asked again every {AGAIN_SECONDS:.0f} s", err=True)
            await asyncio.sleep(AGAIN_SECONDS)


async def _follow(console: alert_client.Client, since: str | None, *, as_json: bool) -> str | None:
    """Prints what comes, until the console ends it; the name of the last row."""
    try:
        async for event, name, alert in console.rows(since):
            if event == "missed":
                click.echo("some alerts were missed: see `needtoknow alerts list`", err=True)
                continue
            since = name
            click.echo(json_line(alert) if as_json else alert_line(alert, _now()))
    except NotReadyError:
        if since is None:
            raise
    return since


def _now() -> int:
    return int(time.time() * 1000)


for command in (rebuild_rows, verify_acts, backup, restore):
    alerts.add_command(command)
