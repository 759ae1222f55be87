"""A view of a run in plain lines, for a pipe or a log."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Self

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.days import present
from hourlyclicks.events import (
    ClockSkew,
    PageAttemptFailed,
    Paused,
    Progress,
    SlotsHeld,
    SpacingChanged,
    TargetParked,
)
from hourlyclicks.model.quantities import count

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.cli.progress.stats import RunStats
    from hourlyclicks.events import Event

_STEPS = 10
_SHORTEST_GAP = 2.0
_LONGEST_GAP = 30.0
_SHORT_PAUSE = _BETWEEN_PAUSES = 1.0
"""Seconds of a short pause, and from one of these that is told to the next."""

_NEWS = (ClockSkew, PageAttemptFailed, Paused, SlotsHeld, SpacingChanged, TargetParked)


class PlainView:
    """Write a line to stderr for each tenth of the days, but not too often and not too rarely.

    Args:
        stats: keeps count.
        clock: returns seconds.
        wall: returns the date and time.
        begun: whether the run has begun with another view.
    """

    def __init__(
        self,
        stats: RunStats,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], dt.datetime] = present,
        *,
        begun: bool = False,
    ) -> None:
        self.stats = stats
        self._clock = clock
        self._wall = wall
        self._told_at = stats.started
        self._paused_at = -math.inf
        self._step = 0
        self._surveyed = begun or not (stats.stored and stats.surveyed)

    def __enter__(self) -> Self:
        stats = self.stats
        begins = stats.title
        if stats.total:  # else it is not known before the store has been surveyed
            begins += f": {count(stats.total, 'day')}"
        if not stats.stored:  # else the store has not been surveyed yet
            begins += f", about {stats.forecast(stats.started, self._wall())}"
        say(begins)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: there is nothing to clean up."""

    def __call__(self, event: Event, /) -> None:
        """Count an event, and write a line if it is time."""
        now = self._clock()
        self.stats.take(event, now)
        if isinstance(event, Paused) and event.seconds < _SHORT_PAUSE:
            if now - self._paused_at < _BETWEEN_PAUSES:
                return
            self._paused_at = now
        if isinstance(event, _NEWS):
            say(self.stats.news)
        elif isinstance(event, Progress):
            self._tell_progress(now)

    def _tell_progress(self, now: float) -> None:
        stats = self.stats
        if not self._surveyed:
            self._surveyed = True
            if not stats.total:
                say("nothing to request: every day is in the store")
                return
            self._step = stats.finished * _STEPS // stats.total
            known, about = f"{stats.reused:,} of {stats.all_days} in the store", ""
            if stats.progress.listed:
                known, about = f"{known}, {stats.left_over:,} to go", "about "
            say(f"{known}, {about}{stats.forecast(now, self._wall())}")
            return
        finished = stats.finished
        step, gap = finished * _STEPS // max(1, stats.total), now - self._told_at
        if not stats.left_over or not ((step > self._step and gap >= _SHORTEST_GAP) or gap >= _LONGEST_GAP):
            return
        self._step, self._told_at = step, now
        said = (stats.forecast(now, self._wall()), stats.recent_requests(now), stats.counters())
        say(f"{finished:,} of {stats.all_days}, {', '.join(said)}")
