"""The time of a simulator: the clock it runs by, the moment it is set to, and the delays of its network."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

from hourlyclicks.clock import SystemClock
from hourlyclicks.simulator.clients import SetClock

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock


class Delays:
    """Draw the seconds of the way from the client to the server, or back.

    Args:
        seed: selects the delays.
        latency: the minimum and the maximum, in seconds.
    """

    def __init__(self, seed: int, latency: tuple[float, float]) -> None:
        self._random = random.Random(seed)
        self._least, self._most = latency

    def next(self) -> float:
        """Return the seconds of the next one-way delay."""
        return self._random.uniform(self._least, self._most) if self._most else 0.0


class ServerTime:
    """What time it is for a simulator, and how long a message is under way.

    Args:
        clock: the clock of delays and limits.
        today: a date: the time is fixed at noon of that day; an aware datetime: it is fixed at that moment;
            ``None``: it is that of the clock.
        zone: the account's zone.
        delays: the delays of messages.

    Attributes:
        clock: the clock of delays and limits; it may be changed.
        delays: the delays of messages.
    """

    def __init__(self, clock: Clock, today: dt.date | None, zone: dt.tzinfo, delays: Delays) -> None:
        self.clock = clock
        self.delays = delays
        self._moment = _moment(today, zone)

    def now(self) -> dt.datetime:
        """Return the wall time."""
        return self._moment or self.clock.wall()

    @property
    def seen(self) -> Clock:
        """A clock by which a client sees the same time."""
        return self.clock if self._moment is None else SetClock(self.clock, self.now)

    @property
    def is_of_the_machine(self) -> bool:
        """Whether it is the time that any server on this machine has."""
        return self._moment is None and isinstance(self.clock, SystemClock)


def _moment(today: dt.date | None, zone: dt.tzinfo) -> dt.datetime | None:
    """Return the moment of a fixed "today"."""
    if today is None or isinstance(today, dt.datetime):
        return today
    return dt.datetime.combine(today, dt.time(12), zone)
