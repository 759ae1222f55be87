"""Time as a parameter: every wait and every time stamp uses a `Clock`.

Intervals are measured on a monotonic clock in integer nanoseconds, so that windows add up exactly; dates
come from the wall clock in UTC. `hourlyclicks.simulator.VirtualClock` is a clock on which years pass in
seconds.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

_from_timestamp, _time_ns, _UTC = dt.datetime.fromtimestamp, time.time_ns, dt.UTC


class Timer(Protocol):
    """A call that is due later and can be cancelled."""

    def cancel(self) -> None:
        """Cancel the call; does nothing when it has happened already."""
        ...


class Clock(Protocol):
    """The source of time for the whole package."""

    def monotonic(self) -> int:
        """Return nanoseconds since some fixed moment; it never goes back."""
        ...

    def wall(self) -> dt.datetime:
        """Return the time of day, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...

    def call_later(self, nanoseconds: int, callback: Callable[[], object]) -> Timer:
        """Call back after that many nanoseconds, from the running event loop."""
        ...


class SystemClock:
    """The machine's clocks.

    The monotonic one is read directly: some event loops return the time at which their current iteration
    began.
    """

    monotonic = staticmethod(time.monotonic_ns)
    """See `Clock.monotonic`; read twice for every request, so there is no function in between."""

    def wall(self) -> dt.datetime:
        """See `Clock.wall`; in hundredths of a second, so that a day takes less space in a SQLite file."""
        # For every day; `datetime.replace` would take four times as many instructions.
        return _from_timestamp(_time_ns() // 10_000_000 / 100, _UTC)

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)

    def call_later(self, nanoseconds: int, callback: Callable[[], object]) -> Timer:
        """See `Clock.call_later`."""
        return asyncio.get_running_loop().call_later(nanoseconds / SECOND, callback)
