"""The progress of many accounts in plain lines; only accounts that fail are named."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, TypeAlias

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.progress.fleet_stats import FleetRunStats
from hourlyclicks.cli.progress.views import SafeView, console_to_draw_on
from hourlyclicks.events import AccountEnded

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.events import Event

_STEPS = 10
_SHORTEST_GAP = 2.0
_LONGEST_GAP = 30.0
_NAMED = 20
"""How many accounts that fail are named while the run goes on; the report names them, too."""


class PlainFleetView:
    """Write a line to stderr for each tenth of the days, but not too often and not too rarely.

    Args:
        stats: keeps count.
        clock: returns seconds.
        wall: returns the date and time.
        begun: whether the run has begun with another view.
    """

    def __init__(
        self,
        stats: FleetRunStats,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], dt.datetime] = present,
        *,
        begun: bool = False,
    ) -> None:
        self.stats = stats
        self._clock = clock
        self._wall = wall
        self._begun = begun
        self._told_at = clock()
        self._step = 0
        self._named = 0

    def __enter__(self) -> Self:
        if not self._begun:
            say(self.stats.title)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: there is nothing to clean up."""

    def __call__(self, event: Event, /) -> None:
        """Count an event, and write a line if it is time."""
        now, news = self._clock(), self.stats.news
        self.stats.take(event, now)
        if isinstance(event, AccountEnded):
            if self.stats.news != news and self._named < _NAMED:
                self._named += 1
                say(self.stats.news)
            return
        step, gap = int(self.stats.share * _STEPS), now - self._told_at
        if self.stats.share < 1 and ((step > self._step and gap >= _SHORTEST_GAP) or gap >= _LONGEST_GAP):
            self._step, self._told_at = step, now
            said = (self.stats.counts(), self.stats.days(now), self.stats.remaining(now, self._wall()))
            say("; ".join(said))


FleetView: TypeAlias = SafeView[FleetRunStats]


def open_fleet_view(stats: FleetRunStats, *, drawn: bool = True) -> FleetView:
    """Return the view that suits stderr.

    Args:
        stats: the stats of the run.
        drawn: whether a terminal gets a live view.
    """
    try:
        console = console_to_draw_on() if drawn else None
        if console is not None:
            from hourlyclicks.cli.progress.fleet_live import LiveFleetView  # noqa: PLC0415 - needs rich

            return SafeView(LiveFleetView(stats, console), lines=PlainFleetView)
    except Exception:  # noqa: BLE001, S110 - a terminal that cannot be asked what it is gets plain lines
        pass
    return SafeView(PlainFleetView(stats), lines=PlainFleetView)
