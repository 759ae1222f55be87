"""The live view of a run: a bar, the remaining time, what limits the speed, and the responses."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, NoReturn, Self

import attrs
from rich.console import Console, Group
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hourlyclicks.cli.options.shared import present
from hourlyclicks.events import ClockSkew, DayDone, RangeDone
from hourlyclicks.model.quantities import count
from hourlyclicks.render.phrases import limits_in_words, safe
from hourlyclicks.render.tables import level, palette_for

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from hourlyclicks.cli.progress.stats import RunStats
    from hourlyclicks.events import Event

WIDEST = 100
REFRESH = 8
_BUCKETS_A_WINDOW = 12
_REMEMBERED = 4096
_LABEL = "answers  "
_LONGEST_SIZE = 9
"""How many digits of a width are read."""


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


def pulse(moments: Iterable[float], now: float, *, bucket: float, width: int, bars: str) -> str:
    """Return a bar for each stretch of time, the present one last: how much happened in it.

    Args:
        moments: when something happened.
        now: the present moment.
        bucket: the length of a stretch in seconds; stretches lie on its multiples.
        width: how many there are.
        bars: characters from low to high.
    """
    last = int(now // bucket)
    counts = [0] * max(0, width)
    for moment in moments:
        place = width - 1 - last + int(moment // bucket)
        if 0 <= place < width:
            counts[place] += 1
    most = max(counts, default=0)
    return "".join(bars[level(number, most, len(bars))] if number else " " for number in counts)


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


class LiveView:
    """Draw a run in a terminal, several times a second, until it is over; then erase the drawing.

    Args:
        stats: keeps count.
        console: where to draw.
        clock: returns seconds.
        wall: returns the date and time.
    """

    def __init__(
        self,
        stats: RunStats,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], dt.datetime] = present,
    ) -> None:
        self.stats = stats
        self._clock = clock
        self._wall = wall
        self._console = console
        self._palette = palette_for(console.encoding)
        self._bucket = stats.limits.shortest_window / _BUCKETS_A_WINDOW
        self._answers: deque[float] = deque(maxlen=_REMEMBERED)
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
        if isinstance(event, ClockSkew):
            self._console.print(Text(safe(self.stats.news)))  # stays when the drawing is erased
        if self._live.error is not None:
            raise self._live.error
        if isinstance(event, DayDone | RangeDone):
            self._answers.append(now)

    def render(self) -> RenderableType:
        """Return what to draw now."""
        now, stats = self._clock(), self.stats
        lines: list[Text | Table] = [
            Text(safe(stats.title), style="bold"),
            self._bar(),
            self._forecast(now),
            Text(f"{stats.recent_requests(now)}, {stats.counters()}", style="dim"),
            self._pulse(now),
            Text(safe(stats.headline(now)), style="yellow"),
        ]
        for line in lines[:-1]:  # the news may take several lines
            if isinstance(line, Text):
                line.no_wrap, line.overflow = True, "ellipsis"
        return Constrain(Group(*lines), WIDEST)

    def _bar(self) -> Table:
        stats = self.stats
        finished = stats.finished
        line = Table.grid(expand=True, padding=(0, 2, 0, 0))
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        bar: RenderableType = PlainBar(finished / max(1, stats.total))
        if self._console.color_system is not None and not self._console.no_color:
            bar = ProgressBar(
                total=stats.total, completed=finished, complete_style="cyan", finished_style="cyan"
            )
        if stats.reading:  # what is to do is not known yet
            line.add_row("", "")
            return line
        line.add_row(bar, f"{finished:,} of {count(stats.total, 'day')}, {stats.left_over:,} to go")
        return line

    def _forecast(self, now: float) -> Text:
        stats = self.stats
        if stats.reading:
            return Text("reading the store", style="bold cyan")
        paused = stats.paused_until > now
        text = Text(stats.remaining(now, self._wall()), style="bold yellow" if paused else "bold cyan")
        text.append(f", bound by {stats.binds(now)}", style="not bold default")
        limits = f"  ({limits_in_words(stats.limits)})"
        if len(text) + len(limits) <= min(WIDEST, self._console.width):
            text.append(limits, style="not bold dim default")
        return text

    def _pulse(self, now: float) -> Text:
        width = min(WIDEST, self._console.width) - len(_LABEL)
        bars = pulse(tuple(self._answers), now, bucket=self._bucket, width=width, bars=self._palette.bars)
        return Text.assemble((_LABEL, "dim"), (bars, "cyan"))
