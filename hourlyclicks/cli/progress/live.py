"""The live view of a run: a bar, the remaining time, what limits the speed, and the responses."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from rich.text import Text

from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.progress.drawing import WIDEST, DrawnView, stacked
from hourlyclicks.cli.progress.stats import RunStats, took_request
from hourlyclicks.events import ClockSkew, DayDone, RangeDone
from hourlyclicks.render.phrases import limits_in_words, safe
from hourlyclicks.render.tables import level, palette_for

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from rich.console import Console, RenderableType
    from rich.table import Table

    from hourlyclicks.events import Event

_BUCKETS_A_WINDOW = 12
_REMEMBERED = 4096
_LABEL = "answers  "


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


class LiveView(DrawnView[RunStats]):
    """Draw one run: its days, its remaining time, and the responses of the last minutes.

    Args:
        stats: keeps count, and whatever else a `DrawnView` needs.
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
        super().__init__(stats, console, clock, wall)  # draws for the first time

    def __call__(self, event: Event, /) -> None:
        """Count an event; it is drawn at the next refresh. Raises what drawing has raised."""
        super().__call__(event)
        if isinstance(event, ClockSkew):
            self._console.print(Text(safe(self.stats.news)))  # stays when the drawing is erased
        if isinstance(event, RangeDone) or (isinstance(event, DayDone) and took_request(event)):
            self._answers.append(self._clock())

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
        return stacked(lines)

    def _bar(self) -> Table:
        stats = self.stats
        if stats.reading or stats.listing:  # what is to do is not known yet
            return self.bar(None, "")
        finished, total = stats.finished, stats.total
        text = f"{finished:,} of {stats.all_days}"
        if stats.progress.listed:
            text += f", {stats.left_over:,} to go"
        return self.bar(finished / max(1, total), text)

    def _forecast(self, now: float) -> Text:
        stats = self.stats
        if stats.reading:
            return Text("reading the store", style="bold cyan")
        if stats.listing:
            return Text("reading the list of targets", style="bold cyan")
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
