"""Drawing in a terminal with rich: what the live views of one account and of many have in common."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Generic, NoReturn, Self, TypeVar

import attrs
from rich.console import Console, Group
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.progress.views import Stats

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from hourlyclicks.events import Event

WIDEST = 100
_REFRESH = 8
_LONGEST_SIZE = 9
"""How many digits of a width are read."""

S = TypeVar("S", bound=Stats)


class Terminal(Console):
    """A console that leaves the standard output alone when its reader is gone, and tells the caller."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise the error; rich would send stdout to the null device and end the process."""
        raise  # noqa: PLE0704 - called by rich where it handles the error


class Drawing(Live):
    """A live display that ends at its first error, which it keeps, also in the thread that refreshes it."""

    error: Exception | None = None

    def refresh(self) -> None:
        """Draw, unless that has failed before."""
        if self.error is None:
            try:
                super().refresh()
            except Exception as error:  # noqa: BLE001 - told to the run by `LiveView`
                self.error = error


def terminal(*, stderr: bool = True) -> Console:
    """Return a console that prints text as it is: no markup, no emoji codes, no highlighting."""
    width, height = _size("COLUMNS", 80), _size("LINES", 25)
    return Terminal(stderr=stderr, markup=False, emoji=False, highlight=False, width=width, height=height)


def _size(variable: str, usual: int) -> int | None:
    """Return the usual size where a variable gives one that rich cannot take; else rich finds it out."""
    text = os.environ.get(variable, "")
    return usual if text.isdigit() and not _positive(text) else None


def _positive(text: str) -> bool:
    """Tell whether digits are a size: "0" is none, and "\u00b2" is a digit but no number."""
    return text.isdecimal() and int(text[:_LONGEST_SIZE]) > 0


@attrs.frozen
class PlainBar:
    """A bar for a terminal without colour, in which the part to go would be blank.

    Args:
        share: how much is done, from 0 to 1.
    """

    share: float

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as there is space."""
        done = int(options.max_width * self.share)
        yield Text("#" * done + "-" * (options.max_width - done))


class DrawnView(Generic[S]):
    """Draw a run in a terminal, several times a second, until it is over; then erase the drawing.

    Args:
        stats: keeps count.
        console: where to draw.
        clock: returns seconds.
        wall: returns the date and time.
    """

    def __init__(
        self,
        stats: S,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], dt.datetime] = present,
    ) -> None:
        self.stats = stats
        self._clock = clock
        self._wall = wall
        self._console = console
        self._live = Drawing(
            console=console, get_renderable=self.render, refresh_per_second=_REFRESH, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event, /) -> None:
        """Count an event; it is drawn at the next refresh. Raises what drawing has raised."""
        self.stats.take(event, self._clock())
        if self._live.error is not None:
            raise self._live.error

    def render(self) -> RenderableType:
        """Return what to draw now."""
        raise NotImplementedError

    def bar(self, share: float | None, text: str) -> Table:
        """Return a line with a bar and a text behind it.

        Args:
            share: how much is done, from 0 to 1; ``None``: that is not known yet.
            text: what stands behind the bar.
        """
        line = Table.grid(expand=True, padding=(0, 2, 0, 0))
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        bar: RenderableType = "" if share is None else PlainBar(share)
        if share is not None and self._console.color_system is not None and not self._console.no_color:
            bar = ProgressBar(total=1.0, completed=share, complete_style="cyan", finished_style="cyan")
        line.add_row(bar, text)
        return line


def stacked(lines: Sequence[Text | Table]) -> RenderableType:
    """Return lines below each other; texts are cut at the edge, but for the news at the end."""
    for line in lines[:-1]:
        if isinstance(line, Text):
            line.no_wrap, line.overflow = True, "ellipsis"
    return Constrain(Group(*lines), WIDEST)
