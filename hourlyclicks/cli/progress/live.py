"""The live view of a run: a bar, the remaining time, what limits the speed, and the responses."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.text import Text

from hourlyclicks.cli.options.shared import present
from hourlyclicks.cli.progress.drawn import WIDEST, DrawnView
from hourlyclicks.events import ClockSkew, DayDone, RangeDone
from hourlyclicks.model.quantities import count
from hourlyclicks.render.phrases import limits_in_words, safe
from hourlyclicks.render.tables import level, palette_for

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from rich.console import RenderableType
    from rich.table import Table

    from hourlyclicks.cli.progress.stats import RunStats
    from hourlyclicks.events import Event

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


class LiveView(DrawnView["RunStats"]):
    """Draw a backfill.

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
        self._palette = palette_for(console.encoding)
        self._bucket = stats.limits.shortest_window / _BUCKETS_A_WINDOW
        self._answers: deque[float] = deque(maxlen=_REMEMBERED)
        super().__init__(stats, console, clock, wall)  # which draws for the first time

    def _note(self, event: Event, now: float) -> None:
        """Note when responses came, and write what is to stay when the drawing is erased."""
        if isinstance(event, ClockSkew):
            self._console.print(Text(safe(self.stats.news)))
        if isinstance(event, DayDone | RangeDone):
            self._answers.append(now)

    def render(self) -> RenderableType:
        """Return what to draw now."""
        now, stats = self._clock(), self.stats
        lines: list[Text | Table] = [
            Text(safe(stats.title), style="bold"),
            self._done(),
            self._forecast(now),
            Text(f"{stats.recent_requests(now)}, {stats.counters()}", style="dim"),
            self._pulse(now),
            Text(safe(stats.headline(now)), style="yellow"),
        ]
        return self._lines(lines, whole=1)  # the news may take several lines

    def _done(self) -> Table:
        """Return the bar; while the store is read, it is not known what is to do."""
        stats, days = self.stats, count(self.stats.total, "day")
        text = f"{stats.finished:,} of {days}, {stats.left_over:,} to go"
        return self._bar(None if stats.reading else stats.finished / max(1, stats.total), text)

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
