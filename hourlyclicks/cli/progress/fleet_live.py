"""The live view of many accounts: a bar, how many are in which state, and the last one that failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.constrain import Constrain
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hourlyclicks.cli.options.shared import present
from hourlyclicks.cli.progress.live import REFRESH, WIDEST, Drawing, PlainBar
from hourlyclicks.render.phrases import safe

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console, RenderableType

    from hourlyclicks.cli.progress.fleet import FleetRunStats
    from hourlyclicks.events import Event


class LiveFleetView:
    """Draw a run in a terminal, several times a second, until it is over; then erase the drawing.

    Args:
        stats: keeps count.
        console: where to draw.
        clock: returns seconds.
        wall: returns the date and time.
    """

    def __init__(
        self,
        stats: FleetRunStats,
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
        self.stats.take(event, self._clock())
        if self._live.error is not None:
            raise self._live.error

    def render(self) -> RenderableType:
        """Return what to draw now."""
        now, stats = self._clock(), self.stats
        lines: list[Text | Table] = [
            Text(safe(stats.title), style="bold"),
            self._bar(),
            Text(stats.counts()),
            Text(stats.remaining(now, self._wall()), style="bold cyan"),
            Text(stats.days(now), style="dim"),
            Text(safe(stats.news), style="yellow"),
        ]
        for line in lines:
            if isinstance(line, Text):
                line.no_wrap, line.overflow = True, "ellipsis"
        return Constrain(Group(*lines), WIDEST)

    def _bar(self) -> Table:
        share = self.stats.share
        line = Table.grid(expand=True, padding=(0, 2, 0, 0))
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        bar: RenderableType = PlainBar(share)
        if self._console.color_system is not None and not self._console.no_color:
            bar = ProgressBar(total=1.0, completed=share, complete_style="cyan", finished_style="cyan")
        line.add_row(bar, f"{share:.0%}")
        return line
