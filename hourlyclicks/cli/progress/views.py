"""Which view a run gets, and how long it is shown.

A view must never cost data: whatever it raises, at the start, at an event, while it draws or at the end, it
is turned off and the run goes on. A live view that fails is replaced by plain lines.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from hourlyclicks.cli.console.messages import events_shown, say
from hourlyclicks.cli.progress.plain import PlainView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from rich.console import Console

    from hourlyclicks.cli.progress.stats import RunStats


class Stats(Protocol):
    """What the events of a run add up to."""

    def take(self, event: Any, now: float, /) -> None:  # noqa: ANN401 - the events of that kind of run
        """Count an event."""
        ...


S = TypeVar("S", bound=Stats)


class View(Protocol[S]):
    """Shows a run; a hook for its events."""

    stats: S

    def __call__(self, event: Any, /) -> object:  # noqa: ANN401 - as above
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


class SafeView(Generic[S]):
    """Show a run with another view, until that view fails.

    Args:
        view: what shows the run.
        lines: the class of the view in plain lines that follows one that fails.
    """

    def __init__(self, view: View[S], *, lines: type[Any] = PlainView) -> None:
        self.stats: S = view.stats
        self.view: View[S] | None = view
        self._lines = lines

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

    def __call__(self, event: Any, /) -> None:  # noqa: ANN401 - as above
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
        if not isinstance(failed, self._lines):
            say(f"the live view is off: {type(error).__name__}: {error}")
            self.view = self._lines(self.stats, begun=True)


@contextmanager
def shown(view: View[Any]) -> Iterator[None]:
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


def open_view(stats: RunStats, *, drawn: bool = True) -> SafeView[RunStats]:
    """Return the view that suits stderr.

    Args:
        stats: the stats of the run.
        drawn: whether a terminal gets a live view.
    """
    try:
        return SafeView(_fitting(stats) if drawn else PlainView(stats))
    except Exception:  # noqa: BLE001 - a terminal that cannot be asked what it is gets plain lines
        return SafeView(PlainView(stats))


def _fitting(stats: RunStats) -> View[RunStats]:
    console = console_to_draw_on()
    if console is None:
        return PlainView(stats)
    from hourlyclicks.cli.progress.live import LiveView  # noqa: PLC0415 - a pipe needs no rich

    return LiveView(stats, console)


def console_to_draw_on() -> Console | None:
    """Return the console of stderr; ``None`` if nothing can be drawn on it."""
    if not sys.stderr.isatty():
        return None
    from hourlyclicks.cli.progress.drawing import terminal  # noqa: PLC0415 - a pipe needs no rich

    console = terminal()
    return console if console.is_terminal and not console.is_dumb_terminal else None
