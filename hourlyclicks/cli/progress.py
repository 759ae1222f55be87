"""How far a run is, and how that is told: live in a terminal, in plain lines elsewhere.

Both ways look at a `Tally`, which only listens to events. The remaining time is the client's own forecast,
computed from the limits, less the time that has passed since.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from typing import TYPE_CHECKING, Protocol, Self

import attrs

from hourlyclicks.cli.words import BOUND_BY, count, duration, say
from hourlyclicks.events import (
    AttemptFailed,
    Binding,
    DayDone,
    DayFailed,
    Paused,
    Progress,
    Refused,
    Resumed,
    SpacingChanged,
)
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.pacing.schedule import TYPICAL_LATENCY, forecast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.events import Event
    from hourlyclicks.model.dates import DateRange

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
    """

    title: str
    total: int
    limits: Limits
    eta: float
    binding: Binding
    started: float
    updated: float = attrs.field(default=attrs.Factory(lambda self: self.started, takes_self=True))
    done: int = 0
    failed: int = 0
    retries: int = 0
    refusals: int = 0
    pauses: int = 0
    paused_until: float = 0.0
    news: str = ""
    trouble: str = ""
    _answered: int = 0
    _pending: Counter[dt.date] = attrs.field(factory=Counter, init=False)

    @property
    def requests(self) -> int:
        """How many requests there were, those of unfinished days included."""
        return self._answered + self._pending.total()

    def take(self, event: Event, now: float) -> None:
        """Take note of an event."""
        match event:
            case Progress():
                self.done, self.failed = event.done, event.failed
                self.eta, self.binding, self.updated = event.eta, event.binding, now
            case DayDone():
                self._settle(event.day, event.requests)
            case DayFailed():
                self._settle(event.day, event.requests)
                self.trouble = str(event.error)
                self.news = f"{event.day} failed: {event.error}"
            case AttemptFailed():
                self.retries += 1
                self._pending[event.day] += 1
                self.trouble = str(event.error)
                self.news = f"{event.day} again: {event.error}"
            case Refused():
                self.refusals += 1
                self._pending[event.day] += 1
            case Paused():
                self.pauses += 1
                self.paused_until = now + event.seconds
                self.news = f"paused for {duration(event.seconds)}: {event.why}"
                if self.trouble:
                    self.news += f"; the last trouble: {self.trouble}"
            case Resumed():
                self.paused_until = 0.0
                self.news = "the server answers again"
            case SpacingChanged():
                self.news = f"a request every {event.interval:.3g} s from now on: {event.why}"

    def _settle(self, day: dt.date, requests: int) -> None:
        self._answered += requests
        del self._pending[day]

    def left(self, now: float) -> float:
        """Return the seconds to the end; a pause that is longer counts instead."""
        return max(0.0, self.eta - (now - self.updated), self.paused_until - now)

    def forecast(self, now: float) -> str:
        """Return the remaining time and what binds, in words."""
        binding = BOUND_BY["pause" if self.paused_until > now else self.binding]
        left = self.left(now)
        if left == 0 and self.done + self.failed < self.total:
            return f"longer than foreseen, bound by {binding}"
        return f"{duration(left)} left, bound by {binding}"

    def counters(self) -> str:
        """Return the figures of what went wrong, in words."""
        figures = {"retry": self.retries, "refusal": self.refusals, "pause": self.pauses}
        words = [count(number, noun) for noun, number in figures.items()]
        return ", ".join([*words, f"{count(self.failed, 'day')} failed"] if self.failed else words)

    def summary(self, now: float) -> str:
        """Return the whole run in a line."""
        took = duration(now - self.started)
        return f"{count(self.done, 'day')} in {took}: {count(self.requests, 'request')}, {self.counters()}"


def start_tally(title: str, days: DateRange, limits: Limits, *, latency: float = TYPICAL_LATENCY) -> Tally:
    """Return the tally of a run that begins now."""
    foreseen = forecast(len(days), limits, latency=latency)
    return Tally(
        title=title,
        total=len(days),
        limits=limits,
        eta=foreseen.seconds,
        binding=foreseen.binding,
        started=time.monotonic(),
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
    """

    def __init__(self, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self.tally = tally
        self._clock = clock
        self._told_at = tally.started
        self._step = 0

    def __enter__(self) -> Self:
        tally = self.tally
        say(f"{tally.title}: {count(tally.total, 'day')}, about {tally.forecast(tally.started)}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to be tidied up."""

    def __call__(self, event: Event, /) -> None:
        """Take note of an event, and write a line if it is time."""
        now = self._clock()
        self.tally.take(event, now)
        if isinstance(event, Paused | SpacingChanged):
            say(self.tally.news)
        elif isinstance(event, Progress):
            self._tell_progress(now)

    def _tell_progress(self, now: float) -> None:
        tally = self.tally
        finished = tally.done + tally.failed
        step, gap = finished * _STEPS // tally.total, now - self._told_at
        if finished == tally.total or not (
            (step > self._step and gap >= _SHORTEST_GAP) or gap >= _LONGEST_GAP
        ):
            return
        self._step, self._told_at = step, now
        say(f"{finished:,} of {count(tally.total, 'day')}, {tally.forecast(now)}, {tally.counters()}")
