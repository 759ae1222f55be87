"""What the events of a run of many accounts add up to."""

from __future__ import annotations

import datetime as dt
import math
from collections import deque
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.events import AccountEnded, FleetProgress
from hourlyclicks.model.quantities import count, duration
from hourlyclicks.render.phrases import on_the_clock

if TYPE_CHECKING:
    from hourlyclicks.events import Event

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
            return f"{duration(self._elapsed(now))} so far"
        return f"about {duration(left)} left, until {on_the_clock(wall, left)}{until}"

    def _elapsed(self, now: float) -> float:
        """Return the seconds since the run began; nothing is reported while all accounts wait."""
        return self.progress.seconds + (now - self._recent[-1][0] if self._recent else 0.0)

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
