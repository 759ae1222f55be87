"""What the live views of one account and of many have in common: a drawing, and its bar."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

import attrs
from rich.console import Group
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hourlyclicks.cli.options.shared import present

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from hourlyclicks.events import Event

WIDEST = 100
REFRESH = 8


class Stats(Protocol):
    """What keeps count of a run."""

    def take(self, event: Event, now: float) -> None:
        """Count an event."""
        ...


S = TypeVar("S", bound=Stats)


class Drawing(Live):
    """A live display that ends at its first error, which it keeps, also in the thread that refreshes it."""

    error: Exception | None = None

    def refresh(self) -> None:
        """Draw, unless that has failed before."""
        if self.error is None:
            try:
                super().refresh()
            except Exception as error:  # noqa: BLE001 - told to the run by `DrawnView`
                self.error = error


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


class DrawnView(ABC, Generic[S]):
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
            console=console, get_renderable=self.render, refresh_per_second=REFRESH, transient=True
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
        now = self._clock()
        self.stats.take(event, now)
        self._note(event, now)
        if self._live.error is not None:
            raise self._live.error

    def _note(self, event: Event, now: float) -> None:
        """Note an event that was counted."""

    @abstractmethod
    def render(self) -> RenderableType:
        """Return what to draw now."""

    def _lines(self, lines: Iterable[Text | Table], *, whole: int = 0) -> RenderableType:
        """Return lines, each of which is cut where the terminal ends, but for so many at the end."""
        shown = list(lines)
        for line in shown[: len(shown) - whole]:
            if isinstance(line, Text):
                line.no_wrap, line.overflow = True, "ellipsis"
        return Constrain(Group(*shown), WIDEST)

    def _bar(self, share: float | None, text: str) -> Table:
        """Return a bar with a text beside it; an empty line if the share is not known yet."""
        line = Table.grid(expand=True, padding=(0, 2, 0, 0))
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        if share is None:
            line.add_row("", "")
            return line
        bar: RenderableType = PlainBar(share)
        if self._console.color_system is not None and not self._console.no_color:
            bar = ProgressBar(total=1.0, completed=share, complete_style="cyan", finished_style="cyan")
        line.add_row(bar, text)
        return line
