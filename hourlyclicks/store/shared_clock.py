"""The clock by which a store in SQLite measures the rate limit that its clients share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.clock import SystemClock

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock


class SharedClock:
    """A clock that was given, or else that of the client which began last to use the store.

    A client waits on its own clock for what the store has computed. By two clocks it would wait in vain: on a
    virtual one hours pass while the machine's has hardly moved, and the rate limit is still used up.

    Args:
        clock: the clock; ``None``: that of the clients, and the machine's before there is one.

    Attributes:
        clock: the clock at present.
    """

    def __init__(self, clock: Clock | None) -> None:
        self._given = clock is not None
        self.clock: Clock = clock or SystemClock()

    def follow(self, clock: Clock) -> None:
        """Take the clock of a client, unless another one was given."""
        if not self._given:
            self.clock = clock

    def now(self) -> int:
        """Return the nanoseconds of the clock."""
        return self.clock.monotonic()
