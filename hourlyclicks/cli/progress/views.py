"""Which view a run gets, and how long it is shown.

A view must never cost data: whatever it raises, at the start, at an event, while it draws or at the end, it
is turned off and the run goes on. A live view that fails is replaced by plain lines.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, Self

from hourlyclicks.cli.console.messages import events_shown, say
from hourlyclicks.cli.progress.plain import PlainView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from hourlyclicks.cli.progress.stats import RunStats
    from hourlyclicks.events import Event


class View(Protocol):
    """Shows a run; a hook for its events."""

    stats: RunStats

    def __call__(self, event: Event, /) -> object:
        """Receive an event."""
        ...

    def __enter__(self) -> Self:
        """Begin to show the run."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End showing it."""
        ...


class SafeView:
    """Show a run with another view, until that view fails.

    Args:
        view: what shows the run.
    """

    def __init__(self, view: View) -> None:
        self.stats = view.stats
        self.view: View | None = view

    def __enter__(self) -> Self:
        if self.view is not None:
            try:
                self.view.__enter__()
            except Exception as error:  # noqa: BLE001 - nothing a view does may end a run
                self._turn_off(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.view is not None:
            with suppress(Exception):
                self.view.__exit__(kind, error, trace)

    def __call__(self, event: Event, /) -> None:
        """Pass an event on; without a view, it is only counted."""
        if self.view is None:
            with suppress(Exception):
                self.stats.take(event, time.monotonic())
            return
        try:
            self.view(event)
        except Exception as error:  # noqa: BLE001 - as above
            self._turn_off(error)

    def _turn_off(self, error: Exception) -> None:
        """Stop the view that failed; plain lines follow a live view, and nothing follows plain lines."""
        failed, self.view = self.view, None
        assert failed is not None  # noqa: S101 - only a view that is on is turned off
        with suppress(Exception):
            failed.__exit__(None, None, None)
        if not isinstance(failed, PlainView):
            say(f"the live view is off: {type(error).__name__}: {error}")
            self.view = PlainView(self.stats, begun=True)


@contextmanager
def shown(view: View) -> Iterator[None]:
    """Show a run while it lasts, and restore the standard streams."""
    streams = sys.stdout, sys.stderr
    with suppress(Exception):
        view.__enter__()
    try:
        with events_shown():
            yield
    finally:
        with suppress(Exception):
            view.__exit__(None, None, None)
        sys.stdout, sys.stderr = streams


def open_view(stats: RunStats, *, drawn: bool = True) -> SafeView:
    """Return the view that suits stderr.

    Args:
        stats: the stats of the run.
        drawn: whether a terminal gets a live view.
    """
    try:
        return SafeView(_fitting(stats) if drawn else PlainView(stats))
    except Exception:  # noqa: BLE001 - a terminal that cannot be asked what it is gets plain lines
        return SafeView(PlainView(stats))


def _fitting(stats: RunStats) -> View:
    if not sys.stderr.isatty():
        return PlainView(stats)
    from hourlyclicks.cli.progress.live import LiveView, terminal  # noqa: PLC0415 - a pipe needs no rich

    console = terminal()
    drawn = console.is_terminal and not console.is_dumb_terminal
    return LiveView(stats, console) if drawn else PlainView(stats)
