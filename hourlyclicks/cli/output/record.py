"""What became of a run, as a JSON file for monitoring: written whatever ends the run, and as a whole."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks._version import __version__
from hourlyclicks.cli.console import hangup
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INTERRUPTED, UNEXPECTED, CommandError, exit_code, sentence
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.output.files import check_writable, writing
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.report import BackfillReport

if TYPE_CHECKING:
    from collections.abc import Iterator

_WITHOUT_REPORT = dict.fromkeys([*attrs.fields_dict(BackfillReport), "complete"])


@attrs.define
class Record:
    """What became of a run.

    Args:
        command: the command.
        began: when it began.
        report: the report of the backfill, once there is one.
    """

    command: str
    began: dt.datetime
    report: BackfillReport | None = None

    def as_dict(self, code: int, message: str | None) -> dict[str, Any]:
        """Return it as values that JSON can hold.

        Args:
            code: the exit code.
            message: the error that ended the command.
        """
        return {
            "command": self.command,
            "version": __version__,
            "began": _text(self.began),
            "ended": _text(present()),
            "exit_code": code,
            "message": message,
            **(_WITHOUT_REPORT if self.report is None else self.report.as_dict()),
        }

    def write(self, path: Path, code: int, message: str | None) -> None:
        """Write it to a file, or to stdout for ``-``."""
        output = None if path == Path("-") else path
        with (
            nullcontext() if output is None else hangup.delaying_signals(),
            writing("jsonl", output) as stream,
        ):
            stream.write(json.dumps(self.as_dict(code, message), indent=2) + "\n")


@contextmanager
def recording(command: str, path: Path | None) -> Iterator[Record]:
    """Write the report of a run to a file in the end.

    Args:
        command: the command.
        path: the file; ``-``: stdout; ``None``: nothing is written.

    Raises:
        CommandError: the file cannot be written.
    """
    record = Record(command, present())
    if path is None:
        with hangup.interrupting():
            yield record
        return
    check_writable(None if path == Path("-") else path)
    try:
        with hangup.interrupting():
            yield record
    except BaseException as error:
        try:
            record.write(path, *_ending(error))
        except CommandError as failure:  # the first error is the one that ends the command
            say(failure.message, although_quiet=True)
        raise
    record.write(path, 0, None)


def _ending(error: BaseException) -> tuple[int, str]:
    """Return the exit code of a command that an exception ends, and what it says."""
    if isinstance(error, HourlyClicksError):
        return exit_code(error), sentence(error)
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted"
    return UNEXPECTED, f"{type(error).__name__}: {error}"


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
