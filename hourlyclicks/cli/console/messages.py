"""What a command says on stderr besides its result."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

import click

from hourlyclicks.render.phrases import safe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from logging import LogRecord

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quiet(*, on: bool) -> Iterator[None]:
    """Say nothing in this context, except errors that end the command; warnings in the log are dropped, too.

    Args:
        on: whether to.
    """
    import logging  # noqa: PLC0415 - no help needs it

    before, log, handler = _quiet.set(on), logging.getLogger("hourlyclicks"), logging.NullHandler()
    if on:  # without any handler, warnings would be written to stderr
        log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        _quiet.reset(before)


@contextmanager
def events_shown() -> Iterator[None]:
    """Keep events from the log in this context, since a hook shows them; the log writes to stderr, too."""
    import logging  # noqa: PLC0415 - no help needs it

    from hourlyclicks.events import CLOCK_LOGGER, LOGGER  # noqa: PLC0415 - likewise

    logs = [logging.getLogger(name) for name in (LOGGER, CLOCK_LOGGER)]
    for log in logs:
        log.addFilter(_is_no_event)
    try:
        yield
    finally:
        for log in logs:
            log.removeFilter(_is_no_event)


def _is_no_event(record: LogRecord) -> bool:
    return not hasattr(record, "hourlyclicks_event")


def say(line: str, *, although_quiet: bool = False) -> None:
    """Write a line to stderr; whatever foreign text it holds cannot steer the terminal.

    That it cannot be written is no reason to lose the data it is about, whatever the error: stderr may be
    closed, or drawn on by a view.

    Args:
        line: the line.
        although_quiet: whether it is about an error, which is said in any case.
    """
    say_as_it_is(safe(line), although_quiet=although_quiet)


def say_as_it_is(text: str, *, although_quiet: bool = False) -> None:
    """Write text that is harmless to stderr; see `say`."""
    if although_quiet or not _quiet.get():
        with suppress(Exception):
            # Left to find it, click would write past what a live view puts in the place of stderr, and the
            # view would erase the line.
            click.echo(text, file=sys.stderr, err=True)
