"""The progress of many accounts: sums, in a terminal or in plain lines; only accounts that fail are named."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Self, TypeAlias

import attrs

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.shared import present
from hourlyclicks.cli.progress.views import SafeView, console_to_draw_on
from hourlyclicks.events import AccountEnded, FleetProgress
from hourlyclicks.model.quantities import count, duration
from hourlyclicks.render.phrases import on_the_clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.events import Event

_STEPS = 10
_SHORTEST_GAP = 2.0
_LONGEST_GAP = 30.0
_NAMED = 20
"""How many accounts that fail are named while the run goes on; the report names them, too."""
_RECENT = 90.0
"""Seconds from which the speed is computed; with limits of a minute, shorter ones would not be steady."""
_SOON = 5.0
"""Seconds after which there is a speed."""


@attrs.define
class FleetRunStats:
    """What the events of a run add up to.

    Args:
        title: what is fetched.
        accounts: how many accounts there are.
        deadline: when it has to stop; ``None``: never.
    """

    title: str
    accounts: int
    deadline: dt.datetime | None = None
    progress: FleetProgress = attrs.field(
        default=FleetProgress(
            accounts=0,
            running=0,
            held=0,
            complete=0,
            failed=0,
            days=0,
            done=0,
            failed_days=0,
            listed=False,
            seconds=0.0,
        ),
        init=False,
    )
    news: str = attrs.field(default="", init=False)
    _recent: deque[tuple[float, int]] = attrs.field(factory=deque, init=False)

    def take(self, event: Event, now: float) -> None:
        """Count an event, and keep what is worth showing."""
        if isinstance(event, AccountEnded) and _has_failed(event):
            self.news = str(event.report)
        if not isinstance(event, FleetProgress):
            return
        self.progress = event
        self._recent.append((now, self.finished))
        while now - self._recent[0][0] > _RECENT:
            self._recent.popleft()

    @property
    def ended(self) -> int:
        """How many accounts are done."""
        return self.progress.complete + self.progress.failed

    @property
    def finished(self) -> int:
        """How many days are done or have failed."""
        return self.progress.done + self.progress.failed_days

    @property
    def expected_days(self) -> int:
        """How many days all accounts have, if those that have not begun have as many as the others."""
        begun = self.ended + self.progress.running
        return round(self.progress.days * max(1.0, self.accounts / begun)) if begun else 0

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        if self.ended >= self.accounts:
            return 1.0
        return min(1.0, self.finished / self.expected_days) if self.expected_days else 0.0

    def counts(self) -> str:
        """Return how many accounts are in which state."""
        progress = self.progress
        waiting = self.accounts - self.ended - progress.running
        parts = [f"{progress.complete:,} of {count(self.accounts, 'account')} complete"]
        named = {"failed": progress.failed, "active": progress.running, "waiting": waiting - progress.held}
        named["held by other processes"] = progress.held
        return ", ".join(parts + [f"{number:,} {state}" for state, number in named.items() if number > 0])

    def days(self, now: float) -> str:
        """Return how many days are done, and how fast."""
        about = "" if self.ended + self.progress.running >= self.accounts else "about "
        done = f"{self.finished:,} of {about}{count(self.expected_days, 'day')}"
        return done if (speed := self._speed(now)) is None else f"{done}, {speed * 60:,.0f} a minute"

    def remaining(self, now: float, wall: dt.datetime) -> str:
        """Return how long it takes from now on, and when it will be done."""
        left, until = math.inf, ""
        if speed := self._speed(now):
            left = (self.expected_days - self.finished) / speed
        if self.deadline is not None and (most := max(0.0, (self.deadline - wall).total_seconds())) < left:
            left, until = most, " (--deadline)"
        if math.isinf(left):
            return f"{duration(self.progress.seconds)} so far"
        return f"about {duration(left)} left, until {on_the_clock(wall, left)}{until}"

    def _speed(self, now: float) -> float | None:
        """Return the days a second of late; ``None``: it is too early to tell."""
        if not self._recent or now - self._recent[0][0] < _SOON:
            return None
        began, days = self._recent[0]
        return (self.finished - days) / (now - began)


def _has_failed(event: AccountEnded) -> bool:
    """Return whether more than the end of the run kept an account from being complete."""
    account = event.report
    return account.error is not None or (account.report is not None and account.report.failed > 0)


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
