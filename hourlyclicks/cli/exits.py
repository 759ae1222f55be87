"""Exit codes: one sentence on stderr and one exit code for each kind of error, as data."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any

import attrs
import click

from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    HourlyClicksError,
    IncompleteSeriesError,
    LeaseLostError,
    PlanError,
    RateLimitedError,
    ServerError,
    StoppedError,
    StoreError,
    TransportError,
    UsageError,
)
from hourlyclicks.render.phrases import safe

UNEXPECTED = 1
USAGE = 2
INCOMPLETE = 10
OUTPUT = 11
PARKED = 13
NOT_RUNNING = 14
LEASE_LOST = 15
INTERRUPTED = 130
BROKEN_PIPE = 141


@attrs.frozen
class Ending:
    """One way to end.

    Args:
        code: the exit code.
        meaning: what it says, in words.
        error: the error behind it, if there is one.
    """

    code: int
    meaning: str
    error: type[HourlyClicksError] | None = None


ENDINGS = (
    Ending(0, "success"),
    Ending(UNEXPECTED, "a bug in the program; in `demo`: the result is wrong"),
    Ending(USAGE, "the command line is invalid, or there is no API key", UsageError),
    Ending(3, "the server rejected the API key or the User-Agent", AuthenticationError),
    Ending(4, "the plan does not include the requested target", PlanError),
    Ending(5, "rate limited: the server asks to wait too long", RateLimitedError),
    Ending(6, "no response: network, DNS, certificate or timeout", TransportError),
    Ending(7, "a server error", ServerError),
    Ending(8, "the API rejected the request", ApiError),
    Ending(9, "a response that cannot be decoded", DecodeError),
    Ending(INCOMPLETE, "some days are missing; in `audit`: they differ", IncompleteSeriesError),
    Ending(OUTPUT, "the output cannot be written"),
    Ending(12, "the store cannot be read or written", StoreError),
    Ending(PARKED, "the API rejects every day of a target; the other targets are done"),
    Ending(NOT_RUNNING, "`stop`: no run is in progress; `fleet release`: no process holds the account"),
    Ending(LEASE_LOST, "another process has taken the account, whose lease was lost", LeaseLostError),
    Ending(INTERRUPTED, "Ctrl-C, SIGTERM, SIGHUP or `hourlyclicks stop`", StoppedError),
    Ending(BROKEN_PIPE, "the program that reads stdout has ended (broken pipe)"),
)
"""All exit codes. 130 and 141 are what a shell makes of SIGINT and SIGPIPE."""

_CODES = {ending.error: ending.code for ending in ENDINGS if ending.error is not None}


class CommandError(click.ClickException):
    """Ends the command line with a sentence and an exit code.

    Args:
        sentence: what to say.
        code: the exit code.
    """

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(safe(sentence))
        self.exit_code = code  # type: ignore[misc]  # click gives all of a class one code

    @classmethod
    def of(cls, error: HourlyClicksError) -> CommandError:
        """Make one of an error."""
        return cls(sentence(error), exit_code(error))


def show_if_possible(error: click.ClickException) -> None:
    """Let an exception of click keep its exit code if stderr cannot be written, also one that click makes."""
    show = error.show

    def attempt(file: IO[Any] | None = None) -> None:
        with suppress(Exception):
            show(file)

    error.show = attempt  # type: ignore[method-assign]  # click asks the exception itself to be shown


def exit_code(error: HourlyClicksError) -> int:
    """Return the exit code of an error; for a class of another package, that of its nearest base."""
    return next((_CODES[cls] for cls in type(error).__mro__ if cls in _CODES), UNEXPECTED)


def sentence(error: HourlyClicksError) -> str:
    """Say what went wrong, and with which day of which target if it was about that day alone."""
    if error.day is None or error.fatal:
        return str(error)
    return f"{error.day}: {error}" if error.target is None else f"{error.target} {error.day}: {error}"
