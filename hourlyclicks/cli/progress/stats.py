"""The stats of a run, counted from its events, for the live view and for plain lines.

The remaining time is the ETA of the last progress event, less the time that has passed since.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

import attrs

from hourlyclicks import Limits, Target
from hourlyclicks.cli.progress.stops import Stops
from hourlyclicks.events import (
    MUCH_FAILS,
    AttemptFailed,
    ClockSkew,
    DayDone,
    DayFailed,
    PageAttemptFailed,
    Paused,
    Progress,
    RangeDone,
    Refused,
    Resumed,
    SlotsHeld,
    SpacingChanged,
    TargetParked,
)
from hourlyclicks.model.quantities import count, duration
from hourlyclicks.render.phrases import BOUND_BY, on_the_clock

if TYPE_CHECKING:
    from hourlyclicks import Estimate
    from hourlyclicks.events import Event

_MINUTE = 60.0


@attrs.define(kw_only=True)
class RunStats:
    """What the events of a run add up to.

    Args:
        title: what is fetched.
        limits: the limits that are kept.
        progress: how far the run is; its ETA is read when it is shown.
        started: when the run began.
        stored: whether days are taken from a store, too.
        several: whether there are days of more than one target.
        surveyed: whether the store is looked at as a whole before anything is fetched.
        stops: what ends it early; ``None``: nothing.

    Attributes:
        updated: when it was as far as `progress` says.
    """

    title: str
    limits: Limits
    progress: Progress
    started: float
    stops: Stops | None = None
    stored: bool = False
    several: bool = False
    surveyed: bool = True
    updated: float = attrs.field(
        default=attrs.Factory(lambda self: self.started, takes_self=True), init=False
    )
    retries: int = attrs.field(default=0, init=False)
    throttled: int = attrs.field(default=0, init=False)
    pauses: int = attrs.field(default=0, init=False)
    paused_until: float = attrs.field(default=0.0, init=False)
    held_until: float = attrs.field(default=0.0, init=False)
    reading: bool = attrs.field(
        default=attrs.Factory(lambda self: self.stored and self.surveyed, takes_self=True), init=False
    )
    news: str = attrs.field(default="", init=False)
    cause: str = attrs.field(default="", init=False)
    trouble: str = attrs.field(default="", init=False)
    fetched: int = attrs.field(default=0, init=False)
    _answered: int = attrs.field(default=0, init=False)
    _pending: Counter[tuple[Target, dt.date]] = attrs.field(factory=Counter, init=False)
    _recent: deque[list[float]] = attrs.field(factory=deque, init=False)

    @property
    def total(self) -> int:
        """How many days there are."""
        return self.progress.total

    @property
    def finished(self) -> int:
        """How many days are done or have failed."""
        return min(self.total, self.progress.done + self.progress.failed)

    @property
    def requests(self) -> int:
        """How many requests there were, those of unfinished days included."""
        return self._answered + self._pending.total()

    @property
    def left_over(self) -> int:
        """How many days are neither done nor failed."""
        return self.total - self.finished

    @property
    def listing(self) -> bool:
        """Whether none of the targets is known yet."""
        return not self.total and not self.progress.listed

    @property
    def all_days(self) -> str:
        """How many days there are, in words."""
        return self._at_least(count(self.total, "day"))

    @property
    def reused(self) -> int:
        """How many days were in the store, or were fetched by another process."""
        return max(0, self.progress.done - self.fetched) if self.stored else 0

    def take(self, event: Event, now: float) -> None:
        """Count an event, and keep what is worth showing."""
        if isinstance(event, AttemptFailed | DayDone | DayFailed | Refused):
            self._take_answer(event, now)
            return
        match event:
            case RangeDone():
                self._take_range(event, now)
            case PageAttemptFailed():
                self._take_page(event)
            case Progress():
                self.progress, self.updated, self.reading = event, now, False
            case Paused():
                self.pauses += 1
                self.paused_until = now + event.seconds
                self.cause = event.why
                if self.trouble and event.why == MUCH_FAILS:  # a 429 has nothing to do with it
                    self.cause += f"; the last trouble: {self.trouble}"
                self.news = f"paused for {duration(event.seconds)}: {self.cause}"
            case SlotsHeld():
                self.held_until, self.cause = now + event.seconds, event.why
                self.news = f"waiting for at most {duration(event.seconds)}: {event.why}"
            case Resumed():
                self.paused_until = 0.0
                self.news = "the server responds again"
            case TargetParked() | ClockSkew() | SpacingChanged():
                self.news = _news(event)

    def _take_page(self, event: PageAttemptFailed) -> None:
        """Show that a page of a list is requested again."""
        self.trouble = str(event.error)
        self.news = f"page {event.page} of the {event.name} again: {event.error}"

    def _take_answer(self, event: AttemptFailed | DayDone | DayFailed | Refused, now: float) -> None:
        """Count the result of a request, for which slots were free."""
        self.held_until = 0.0
        asked = (event.target, event.day)
        if isinstance(event, DayDone | DayFailed):
            self._answered += event.requests
            del self._pending[asked]
            self.fetched += isinstance(event, DayDone)
        else:
            self._pending[asked] += 1
            self.retries += isinstance(event, AttemptFailed)
            self.throttled += isinstance(event, Refused)
        if took_request(event):
            self._count(now)
        if isinstance(event, AttemptFailed | DayFailed):
            self.trouble = str(event.error)
            what = f"{event.target} {event.day}" if self.several else str(event.day)
            self.news = f"{what} {'failed' if isinstance(event, DayFailed) else 'again'}: {event.error}"

    def _take_range(self, event: RangeDone, now: float) -> None:
        """Count the requests for the sums of a range, for which slots were free."""
        self.held_until = 0.0
        self._answered += event.requests
        self.fetched += event.days
        del self._pending[event.target, event.start]
        self._count(now)
        if event.error is not None:
            self.trouble = str(event.error)
            self.news = f"{event.start}..{event.end} not answered: {event.error}"

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

    def headline(self, now: float) -> str:
        """Return what is worth showing now: how long a pause still takes, and why, or else the last news."""
        pause, held = self.paused_until - now, self.held_until - now
        if pause > 0:
            return f"paused for {duration(pause)} more: {self.cause}"
        return f"waiting for at most {duration(held)} more: {self.cause}" if held > 0 else self.news

    def left(self, now: float) -> float:
        """Return the seconds to the end; a wait that is longer counts instead."""
        waits = max(self.paused_until, self.held_until) - now
        return max(0.0, self.progress.eta - (now - self.updated), waits)

    def binds(self, now: float) -> str:
        """Return what binds, in words."""
        return BOUND_BY["pause" if self.paused_until > now else self.progress.binding]

    def remaining(self, now: float, wall: dt.datetime) -> str:
        """Return the remaining time and the time of the end, in words.

        Args:
            now: the present moment in seconds.
            wall: the same as a date and time.
        """
        left = self.left(now)
        seconds, option = (left, "") if self.stops is None else self.stops.first(self.requests, wall)
        if seconds < left:
            early = f"{duration(seconds)} left, until {on_the_clock(wall, seconds)} by {option}"
            return f"{early}; all days would take {self._at_least(duration(left))}"
        if left == 0 and self.left_over:
            return "longer than estimated"
        if not self.progress.listed:
            return f"{self._at_least(duration(left))} left"
        return f"{duration(left)} left, until {on_the_clock(wall, left)}"

    def _at_least(self, words: str) -> str:
        """Say of a number that it will grow, as long as not all targets are known."""
        return words if self.progress.listed else f"at least {words}"

    def forecast(self, now: float, wall: dt.datetime) -> str:
        """Return the remaining time and what binds, in words."""
        return f"{self.remaining(now, wall)}, bound by {self.binds(now)}"

    def counters(self) -> str:
        """Return the counters of problems, in words."""
        figures = {"retry": self.retries, "HTTP 429": self.throttled, "pause": self.pauses}
        words = [count(number, noun) for noun, number in figures.items()]
        failed = self.progress.failed
        return ", ".join([*words, f"{count(failed, 'day')} failed"] if failed else words)

    def summary(self, now: float) -> str:
        """Return the whole run in a line."""
        took = duration(now - self.started)
        known = f" ({self.reused:,} of them from the store)" if self.reused else ""
        requests = count(self.requests, "request")
        return f"{count(self.progress.done, 'day')}{known} in {took}: {requests}, {self.counters()}"


def start_stats(
    title: str,
    limits: Limits,
    estimate: Estimate,
    *,
    days: int | None = None,
    stored: bool = False,
    several: bool = False,
    surveyed: bool = True,
    stops: Stops | None = None,
) -> RunStats:
    """Return the stats of a run that begins now.

    Args:
        title: what is fetched.
        limits: the limits that are kept.
        estimate: what all days of all targets cost if none of them is stored.
        days: how many days these are; ``None``: as many as requests.
        stored: whether days are taken from a store, too.
        several: whether there is more than one target.
        surveyed: whether the store is looked at as a whole before anything is fetched.
        stops: what ends it early; ``None``: nothing.
    """
    total = estimate.requests if days is None else days
    eta, binding = estimate.seconds, estimate.binding
    return RunStats(
        title=title,
        limits=limits,
        progress=Progress(done=0, failed=0, total=total, eta=eta, binding=binding),
        started=time.monotonic(),
        stored=stored,
        several=several,
        surveyed=surveyed,
        stops=stops,
    )


def took_request(event: AttemptFailed | DayDone | DayFailed | Refused) -> bool:
    """Return whether a request has ended; that for a range of days counts for one of them only."""
    return not isinstance(event, DayDone | DayFailed) or event.requests > 0


def _news(event: TargetParked | ClockSkew | SpacingChanged) -> str:
    if isinstance(event, TargetParked):
        return f"{event.target} is parked, since every day is rejected: {event.error}"
    if isinstance(event, ClockSkew):
        return event.message
    return f"a request every {event.interval:.3g} s from now on: {event.why}"
