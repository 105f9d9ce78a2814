"""`needtoknow`: the command group, and what becomes of errors (design section 11)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Final

import click

from schemas.errors import BrokenPromiseError, NotReadyError, RejectedInputError

from .codes import GOOD, INTERRUPTED, NO, NOT_READY

# name -> (module, its click command, one line of help). Modules are imported when they are needed: `--help` must not
# wait for Faust, aiokafka and pydantic.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "topics": ("sinks.cli.topics", "topics", "Create the topics, or check that they are as they must be."),
    "worker": ("sinks.cli.worker", "worker", "Run one worker: it registers facts and judges accesses."),
    "alerts": ("sinks.cli.alerts", "alerts", "List, take, decide and follow alerts of a console."),
    "console": ("sinks.cli.console", "console", "Run the console: alerts, pages, live rows and the API."),
    "watch": ("sinks.cli.watch", "watch", "Watch the sources: what is missing, silent, overdue or off."),
    "status": ("sinks.cli.status", "status", "Say what is read, what waits and whether all is well."),
    "verify": ("sinks.cli.verify", "verify", "Check the ledger against the logs."),
    "lint": ("sinks.cli.lint", "lint", "Say what is wrong with a file before it is sent."),
    "send": ("sinks.cli.send", "send", "Put a file of accesses on the topic of its source."),
    "receive": ("sinks.cli.receive", "receive", "Take accesses by HTTP, and make keys for those who send them."),
    "signing-key": ("sinks.cli.signing", "signing_key", "Make a key by which a source signs its messages."),
    "load": ("sinks.cli.load", "load", "Put a file of facts on the topic of their feed."),
    "dead-letters": ("sinks.cli.dead_letters", "dead_letters", "Messages that could not be read: look, replay, drop."),
    "explain": ("sinks.cli.explain", "explain", "Show the verdict on one access, with every path tried."),
    "replay": ("sinks.cli.replay", "replay", "Judge a range of accesses once more, and show what would differ."),
    "findings": ("sinks.cli.findings", "findings", "Show accesses that no recorded duty explains."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Every command explains itself: needtoknow send --help. Exit codes: 0 good, 1 the answer is no, 2 used "
    "wrongly, 3 the world is not ready (the broker is away, a topic is missing).",
)
def cli() -> None:
    """Need to Know: tells a department, within seconds, that somebody used a confidential record outside their
    assigned duties.

    \b
    The first minutes, with a Kafka on this machine:
      needtoknow topics apply --single-broker
      needtoknow worker &
      needtoknow load deploy/example/staff.jsonl --feed staff --complete-through 2026-01-06T00:00:00Z
      needtoknow load deploy/example/cases.jsonl --feed cases --complete-through 2026-01-06T00:00:00Z
      needtoknow load deploy/example/assignments.csv --feed assignments --complete-through 2026-01-06T00:00:00Z
      needtoknow send deploy/example/accesses.jsonl --source ecms
      needtoknow findings tail --from-start
    """


def run(call: Callable[[], object]) -> int:
    """The exit code of `call`; every error we know becomes one line on standard error, without a traceback."""
    try:
        result = call()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except (RejectedInputError, BrokenPromiseError) as error:
        return _complain(error, NO)
    except NotReadyError as error:
        return _complain(error, NOT_READY)
    return result if isinstance(result, int) else GOOD


def _complain(error: Exception, code: int) -> int:
    click.echo(f"needtoknow: {error}", err=True)
    return code


def main() -> None:
    """Entry point of the program."""
    sys.exit(run(lambda: cli.main(prog_name="needtoknow", standalone_mode=False)))


if __name__ == "__main__":
    main()
