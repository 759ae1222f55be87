"""How far a run is, and how that is told: live in a terminal, in plain lines elsewhere.

Both ways look at a `Tally`, which only listens to events. The remaining time is the client's own forecast,
computed from the limits, less the time that has passed since.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Protocol, Self

import attrs

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.shared import present
from hourlyclicks.events import (
    AttemptFailed,
    Binding,
    ClockSkew,
    DayDone,
    DayFailed,
    Paused,
    Progress,
    Refused,
    Resumed,
    SpacingChanged,
    TargetParked,
)
from hourlyclicks.fetching.skew import words_for
from hourlyclicks.model.targets import Target
from hourlyclicks.pacing.eta import TYPICAL_LATENCY, forecast
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.render.phrases import BOUND_BY, count, duration, on_the_clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.events import Event

_MINUTE = 60.0
_STEPS = 10
_SHORTEST_GAP = 2.0
_LONGEST_GAP = 30.0


@attrs.define(kw_only=True)
class Tally:
    """What the events of a run add up to.

    Args:
        title: what is fetched.
        total: how many days.
        limits: the limits that are kept.
        eta: seconds to the end, as foreseen at `updated`.
        binding: what decides that.
        updated: when that was said.
        stored: whether days are taken from a store, too.
        several: whether there are days of more than one target.
        surveyed: whether the store is looked at as a whole before anything is fetched.
    """

    title: str
    total: int
    limits: Limits
    eta: float
    binding: Binding
    started: float
    updated: float = attrs.field(default=attrs.Factory(lambda self: self.started, takes_self=True))
    stored: bool = False
    several: bool = False
    surveyed: bool = True
    done: int = 0
    failed: int = 0
    retries: int = 0
    refusals: int = 0
    pauses: int = 0
    paused_until: float = 0.0
    news: str = ""
    trouble: str = ""
    fetched: int = 0
    _answered: int = 0
    _pending: Counter[tuple[Target, dt.date]] = attrs.field(factory=Counter, init=False)
    _recent: deque[list[float]] = attrs.field(factory=deque, init=False)

    @property
    def requests(self) -> int:
        """How many requests there were, those of unfinished days included."""
        return self._answered + self._pending.total()

    @property
    def left_over(self) -> int:
        """How many days are not done yet."""
        return max(0, self.total - self.done - self.failed)

    @property
    def reused(self) -> int:
        """How many days were in the store, or were fetched by another process."""
        return max(0, self.done - self.fetched) if self.stored else 0

    def take(self, event: Event, now: float) -> None:
        """Take note of an event."""
        if isinstance(event, AttemptFailed | DayDone | DayFailed | Refused):
            self._take_answer(event, now)
            return
        match event:
            case Progress():
                self.done, self.failed = event.done, event.failed
                self.eta, self.binding, self.updated = event.eta, event.binding, now
            case Paused():
                self.pauses += 1
                self.paused_until = now + event.seconds
                self.news = f"paused for {duration(event.seconds)}: {event.why}"
                if self.trouble:
                    self.news += f"; the last trouble: {self.trouble}"
            case Resumed():
                self.paused_until = 0.0
                self.news = "the server responds again"
            case TargetParked():
                self.news = f"{event.target} is parked, since every day is rejected: {event.error}"
            case ClockSkew():
                self.news = words_for(event.seconds)
            case SpacingChanged():
                self.news = f"a request every {event.interval:.3g} s from now on: {event.why}"

    def _take_answer(self, event: AttemptFailed | DayDone | DayFailed | Refused, now: float) -> None:
        """Take note of what became of a request."""
        asked = (event.target, event.day)
        if isinstance(event, DayDone | DayFailed):
            self._answered += event.requests
            del self._pending[asked]
            self.fetched += isinstance(event, DayDone)
        else:
            self._pending[asked] += 1
            self.retries += isinstance(event, AttemptFailed)
            self.refusals += isinstance(event, Refused)
        if not isinstance(event, DayFailed) or event.requests:
            self._count(now)
        if isinstance(event, AttemptFailed | DayFailed):
            self.trouble = str(event.error)
            what = f"{event.target} {event.day}" if self.several else str(event.day)
            self.news = f"{what} {'failed' if isinstance(event, DayFailed) else 'again'}: {event.error}"

    def _count(self, now: float) -> None:
        """Count a request, those of a second together."""
        if self._recent and now - self._recent[-1][0] < 1:
            self._recent[-1][1] += 1
        else:
            self._recent.append([now, 1])
        self.recent_requests(now)

    def recent_requests(self, now: float) -> str:
        """Return how many requests were answered in the last minute, in words."""
        while self._recent and now - self._recent[0][0] > _MINUTE:
            self._recent.popleft()
        number = sum(int(requests) for _, requests in self._recent)
        return f"{count(number, 'request')} in the last minute"

    def left(self, now: float) -> float:
        """Return the seconds to the end; a pause that is longer counts instead."""
        return max(0.0, self.eta - (now - self.updated), self.paused_until - now)

    def binds(self, now: float) -> str:
        """Return what decides how long it takes, in words."""
        return BOUND_BY["pause" if self.paused_until > now else self.binding]

    def remaining(self, now: float, wall: dt.datetime) -> str:
        """Return the remaining time and when it is over on the clock, in words.

        Args:
            now: the present moment in seconds.
            wall: the same as a date and time.
        """
        left = self.left(now)
        if left == 0 and self.left_over:
            return "longer than estimated"
        return f"{duration(left)} left, until {on_the_clock(wall, left)}"

    def forecast(self, now: float, wall: dt.datetime) -> str:
        """Return the remaining time and what binds, in words."""
        return f"{self.remaining(now, wall)}, bound by {self.binds(now)}"

    def counters(self) -> str:
        """Return the figures of what went wrong, in words."""
        figures = {"retry": self.retries, "refusal": self.refusals, "pause": self.pauses}
        words = [count(number, noun) for noun, number in figures.items()]
        return ", ".join([*words, f"{count(self.failed, 'day')} failed"] if self.failed else words)

    def summary(self, now: float) -> str:
        """Return the whole run in a line."""
        took = duration(now - self.started)
        known = f" ({self.reused:,} of them from the store)" if self.reused else ""
        requests = count(self.requests, "request")
        return f"{count(self.done, 'day')}{known} in {took}: {requests}, {self.counters()}"


def start_tally(
    title: str,
    days: int,
    limits: Limits,
    *,
    latency: float = TYPICAL_LATENCY,
    stored: bool = False,
    several: bool = False,
    surveyed: bool = True,
) -> Tally:
    """Return the tally of a run that begins now.

    Args:
        title: what is fetched.
        days: how many days, of all targets.
        limits: the limits that are kept.
        latency: the seconds a request is expected to take.
        stored: whether days are taken from a store, too.
        several: whether there is more than one target.
        surveyed: whether the store is looked at as a whole before anything is fetched.
    """
    foreseen = forecast(days, limits, latency=latency)
    return Tally(
        title=title,
        total=days,
        limits=limits,
        eta=foreseen.seconds,
        binding=foreseen.binding,
        started=time.monotonic(),
        stored=stored,
        several=several,
        surveyed=surveyed,
    )


class View(Protocol):
    """Shows a run while it lasts; a hook for its events."""

    tally: Tally

    def __call__(self, event: Event, /) -> object:
        """Take note of an event."""
        ...

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show no more."""
        ...


class PlainView:
    """Write a line to stderr now and then: every tenth of the days, but not too often and not too rarely.

    Args:
        tally: keeps count.
        clock: returns seconds.
        wall: returns the date and time.
        begun: whether the run has begun with another view.
    """

    def __init__(
        self,
        tally: Tally,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], dt.datetime] = present,
        *,
        begun: bool = False,
    ) -> None:
        self.tally = tally
        self._clock = clock
        self._wall = wall
        self._told_at = tally.started
        self._step = 0
        self._surveyed = begun or not (tally.stored and tally.surveyed)

    def __enter__(self) -> Self:
        tally = self.tally
        begins = f"{tally.title}: {count(tally.total, 'day')}"
        if not tally.stored:  # else it is not known yet what there is to do
            begins += f", about {tally.forecast(tally.started, self._wall())}"
        say(begins)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to be tidied up."""

    def __call__(self, event: Event, /) -> None:
        """Take note of an event, and write a line if it is time."""
        now = self._clock()
        self.tally.take(event, now)
        if isinstance(event, ClockSkew | Paused | SpacingChanged | TargetParked):
            say(self.tally.news)
        elif isinstance(event, Progress):
            self._tell_progress(now)

    def _tell_progress(self, now: float) -> None:
        tally = self.tally
        if not self._surveyed:
            self._surveyed = True
            self._step = (tally.total - tally.left_over) * _STEPS // tally.total
            known = f"{tally.reused:,} of {count(tally.total, 'day')} in the store"
            say(f"{known}, {tally.left_over:,} to go, about {tally.forecast(now, self._wall())}")
            return
        finished = tally.total - tally.left_over
        step, gap = finished * _STEPS // tally.total, now - self._told_at
        if not tally.left_over or not ((step > self._step and gap >= _SHORTEST_GAP) or gap >= _LONGEST_GAP):
            return
        self._step, self._told_at = step, now
        said = (tally.forecast(now, self._wall()), tally.recent_requests(now), tally.counters())
        say(f"{finished:,} of {count(tally.total, 'day')}, {', '.join(said)}")
