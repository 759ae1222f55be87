"""The command group, and how errors of commands become exit codes."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from hourlyclicks._version import __version__
from hourlyclicks.cli.console.stdout import DISK_ERRORS, cannot_write, flush_stdout, forget_stdout
from hourlyclicks.cli.exits import BROKEN_PIPE, INTERRUPTED, USAGE, CommandError, show_if_possible
from hourlyclicks.cli.lazy_group import LazyGroup
from hourlyclicks.errors import HourlyClicksError

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = {
    "demo": "Fetch 90 days from a simulated server with rate limits and faults.",
    "fetch": "Fetch hourly clicks as a table, CSV, JSON Lines, Parquet or Excel.",
    "backfill": "Fetch years of many targets into a store, in one run or several.",
    "sync": "Fetch each target in a store from its first gap to yesterday.",
    "fleet": "Fetch the days of many accounts, each with its own key, into one store.",
    "links": "List the account's links, as a file for --targets.",
    "groups": "List the account's groups, as a file for --targets.",
    "status": "Show which days a store holds and which are missing (no requests).",
    "stop": "Ask running backfills, fetches and fleets, on any machine, to stop (no requests).",
    "history": "Show the earlier figures of days in a store (no requests).",
    "audit": "Compare the hours in a store with the sums of days.",
    "export": "Write the days in a store as CSV, JSON Lines, Parquet or Excel (no requests).",
    "plot": "Draw a picture of the days in a store, or of days that are fetched for it.",
    "report": "Write a page of HTML about the days in a store, or fetched ones.",
    "estimate": "Compute how long a range takes under rate limits (no requests).",
    "simulate": "Serve a simulated API on this machine until Ctrl-C.",
}
"""The names of the commands, each a module of this package, and what they do."""


class App(LazyGroup):
    """The group of all commands, which ends as the table of exit codes says."""

    package = "hourlyclicks.cli.commands"
    listed = COMMANDS

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - the signature of click
    ) -> click.Context:
        """Read the command line; what ends it here, as ``--help`` does, ends as in a command."""
        with _ending():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - likewise
        """Run a command and translate how it ends."""
        with _ending():
            result = super().invoke(ctx)
            flush_stdout()
            return result


@contextmanager
def _ending() -> Iterator[None]:
    """Translate what ends the command line; the exit code needs no stderr that can be written."""
    try:
        with _translated():
            yield
    except click.ClickException as error:
        show_if_possible(error)
        raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except HourlyClicksError as error:
        raise CommandError.of(error) from None
    except KeyboardInterrupt:
        raise CommandError("interrupted", INTERRUPTED) from None
    except BrokenPipeError:
        forget_stdout()
        raise click.exceptions.Exit(BROKEN_PIPE) from None
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            raise CommandError("too many open files: raise the limit, as by ulimit -n 256", USAGE) from None
        if error.errno not in DISK_ERRORS:
            raise
        raise cannot_write(error) from None


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hourlyclicks")
def app() -> None:
    """Fetch years of hourly click statistics within the rate limits of the API."""
