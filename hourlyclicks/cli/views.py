"""Which view a run gets, and how long it is shown."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hourlyclicks.cli.progress import PlainView
from hourlyclicks.net.skew import LOGGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.cli.progress import Tally, View


def _shown_already(_: logging.LogRecord) -> bool:
    """Keep from the log, which writes to stderr, too, what a view writes there."""
    return False


@contextmanager
def shown(view: View) -> Iterator[None]:
    """Show a run while it lasts; that stderr cannot be written is no reason to lose it."""
    with suppress(OSError):
        view.__enter__()
    log = logging.getLogger(LOGGER)
    log.addFilter(_shown_already)
    try:
        yield
    finally:
        log.removeFilter(_shown_already)
        with suppress(OSError):
            view.__exit__(None, None, None)


def open_view(tally: Tally) -> View:
    """Return the view that suits stderr."""
    if not sys.stderr.isatty():
        return PlainView(tally)
    from hourlyclicks.cli.live import LiveView, terminal  # noqa: PLC0415 - a pipe needs no rich

    console = terminal()
    return (
        LiveView(tally, console) if console.is_terminal and not console.is_dumb_terminal else PlainView(tally)
    )
