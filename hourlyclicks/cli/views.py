"""Which view a run gets, and how long it is shown."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hourlyclicks.cli.progress import PlainView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.cli.progress import Tally, View


@contextmanager
def shown(view: View) -> Iterator[None]:
    """Show a run while it lasts; that stderr cannot be written is no reason to lose it."""
    with suppress(OSError):
        view.__enter__()
    try:
        yield
    finally:
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
