"""One sentence and one exit code for each kind of error."""

from __future__ import annotations

import datetime as dt
import inspect
import io

import click
import pytest

from hourlyclicks import (
    Account,
    ApiError,
    AuthenticationError,
    ServerError,
    TransportError,
    UsageError,
    errors,
)
from hourlyclicks.cli.exits import (
    ENDINGS,
    INCOMPLETE,
    UNEXPECTED,
    CommandError,
    exit_code,
    sentence,
    show_if_possible,
)
from hourlyclicks.errors import HourlyClicksError

CLASSES = [
    thing
    for _, thing in inspect.getmembers(errors, inspect.isclass)
    if issubclass(thing, HourlyClicksError) and thing is not HourlyClicksError
]
DAY = dt.date(2025, 4, 1)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_class_has_an_exit_code_of_its_own(cls: type[HourlyClicksError]) -> None:
    """The table has one line for each class of the tree."""
    lines = [ending for ending in ENDINGS if ending.error is cls]
    assert len(lines) == 1
    assert exit_code(cls.__new__(cls)) == lines[0].code


def test_exit_codes_are_different() -> None:
    """No exit code has two meanings."""
    codes = [ending.code for ending in ENDINGS]
    assert len(codes) == len(set(codes))


def test_classes_of_others_count_as_their_base() -> None:
    """A subclass has the exit code of its base; an unknown error is unexpected."""

    class PickyError(UsageError):
        pass

    assert exit_code(PickyError("no")) == 2
    assert exit_code(HourlyClicksError("no")) == UNEXPECTED


def test_a_sentence_names_the_day_and_target_of_an_error_about_a_day() -> None:
    """An error about one day names it and its target; a fatal error does not."""
    server = ServerError("HTTP 500", status=500, retryable=True).about(DAY, Account())
    refused = AuthenticationError("HTTP 401", status=401).about(DAY, Account())
    assert sentence(server) == "account 2025-04-01: HTTP 500"
    assert sentence(refused) == "HTTP 401"
    assert sentence(TransportError("no answer", kind="timeout")) == "no answer"


def test_a_failure_is_harmless_text() -> None:
    """Text of a server is escaped."""
    failure = CommandError.of(ApiError("\x1b]0;owned\x07", code=7, status=200))
    assert failure.exit_code == 8
    assert failure.message == "the API answered code 7: \\x1b]0;owned\\x07"


@pytest.mark.parametrize(
    "error", [CommandError("days are missing", INCOMPLETE), click.UsageError("no option")]
)
def test_an_exit_code_needs_no_reader(error: click.ClickException) -> None:
    """If stderr cannot be written, the sentence is lost, but not the exit code."""

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    show_if_possible(error)
    error.show(Full())
    error.show(readable := io.StringIO())
    assert error.message in readable.getvalue()
