"""The algorithms with which servers count requests.

Theory. The vendor does not document how it counts, so all common algorithms are here. Each is a pure state
machine on whole nanoseconds of one clock that never goes back: `Algorithm.allows` checks, `Algorithm.take`
counts, `Algorithm.arrive` does both. A rejected request does not count, as in nginx, unless
``charge_refused`` is set. In addition, `hourlyclicks.simulator.limit_set.ArrivalLog` keeps the time of
every arrival, so that a test can count arrivals independently of any algorithm.
"""

from __future__ import annotations

import abc
from collections import deque
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

Policing: TypeAlias = Literal[
    "sliding_log", "fixed_window", "whole_seconds", "token_bucket", "leaky_bucket", "two_buckets"
]
"""The names of the algorithms."""

ALGORITHMS: tuple[Policing, ...] = get_args(Policing)


class Algorithm(abc.ABC):
    """One limit and one way of counting.

    Args:
        requests: how many requests are allowed in a window.
        window: the length of the window in nanoseconds.
        charge_refused: whether a rejected request counts like an accepted one.
    """

    def __init__(self, requests: int, window: int, *, charge_refused: bool = False) -> None:
        if requests < 1 or window < 1:
            raise UsageError("a limit allows at least one request in at least a nanosecond")
        self.requests = requests
        self.window = window
        self.charge_refused = charge_refused
        self.refused = 0

    def arrive(self, now: int) -> bool:
        """Return whether a request that arrives now is allowed, and count it."""
        allowed = self.allows(now)
        if allowed or self.charge_refused:
            self.take(now)
        self.refused += not allowed
        return allowed

    @abc.abstractmethod
    def allows(self, now: int) -> bool:
        """Return whether a request that arrives now is within the limit."""

    @abc.abstractmethod
    def take(self, now: int) -> None:
        """Count a request that arrives now."""

    @abc.abstractmethod
    def opens(self, now: int) -> int:
        """Return the earliest moment from now on at which a request would be allowed."""


class SlidingLog(Algorithm):
    """Remember each request for a window; one that is exactly a window old no longer counts."""

    def __init__(self, requests: int, window: int, *, charge_refused: bool = False) -> None:
        super().__init__(requests, window, charge_refused=charge_refused)
        self._log: deque[int] = deque(maxlen=requests)

    def allows(self, now: int) -> bool:
        """See `Algorithm.allows`."""
        return self.opens(now) == now

    def take(self, now: int) -> None:
        """See `Algorithm.take`; only the last N can matter."""
        self._log.append(now)

    def opens(self, now: int) -> int:
        """See `Algorithm.opens`."""
        return max(now, self._log[0] + self.window) if len(self._log) == self.requests else now


class FixedWindow(Algorithm):
    """Count from zero whenever a new window begins; the windows lie on multiples of their length."""

    def __init__(self, requests: int, window: int, *, charge_refused: bool = False) -> None:
        super().__init__(requests, window, charge_refused=charge_refused)
        self._index = self._count = 0

    def allows(self, now: int) -> bool:
        """See `Algorithm.allows`."""
        return now // self.window != self._index or self._count < self.requests

    def take(self, now: int) -> None:
        """See `Algorithm.take`."""
        index = now // self.window
        self._count = self._count + 1 if index == self._index else 1
        self._index = index

    def opens(self, now: int) -> int:
        """See `Algorithm.opens`."""
        return now if self.allows(now) else (self._index + 1) * self.window


class WholeSeconds(Algorithm):
    """A sliding log with stamps in whole seconds, in which a request exactly a window old still counts.

    The strict reading: two requests with the same stamp, or with stamps up to a window apart, share a window.

    Args:
        requests: how many requests are allowed in a window.
        window: the length of the window in nanoseconds; a multiple of ``second``.
        second: the length of a second in nanoseconds.
        charge_refused: whether a rejected request counts like an accepted one.
    """

    def __init__(
        self, requests: int, window: int, *, second: int = SECOND, charge_refused: bool = False
    ) -> None:
        super().__init__(requests, window, charge_refused=charge_refused)
        self._second = second
        self._span = -(-window // second)
        self._stamps: deque[int] = deque(maxlen=requests)

    def allows(self, now: int) -> bool:
        """See `Algorithm.allows`."""
        return self.opens(now) == now

    def take(self, now: int) -> None:
        """See `Algorithm.take`."""
        self._stamps.append(now // self._second)

    def opens(self, now: int) -> int:
        """See `Algorithm.opens`."""
        if len(self._stamps) < self.requests:
            return now
        return max(now, (self._stamps[0] + self._span + 1) * self._second)


class TokenBucket(Algorithm):
    """A bucket of N tokens, full at first, that refills evenly; a request takes one.

    A token is held as ``window`` units, so that N units trickle in each nanosecond and nothing is rounded.
    """

    def __init__(self, requests: int, window: int, *, charge_refused: bool = False) -> None:
        super().__init__(requests, window, charge_refused=charge_refused)
        self._level = requests * window
        self._last = 0

    def allows(self, now: int) -> bool:
        """See `Algorithm.allows`."""
        return self._filled(now) >= self.window

    def take(self, now: int) -> None:
        """See `Algorithm.take`; a rejected request that is charged takes what is left."""
        self._level = max(0, self._filled(now) - self.window)
        self._last = now

    def opens(self, now: int) -> int:
        """See `Algorithm.opens`."""
        lacking = max(0, self.window - self._filled(now))
        return now + -(-lacking // self.requests)

    def _filled(self, now: int) -> int:
        return min(self.requests * self.window, self._level + (now - self._last) * self.requests)


class LeakyBucket(Algorithm):
    """Nginx's ``limit_req`` without burst: reject requests within window/N after the last accepted one."""

    def __init__(self, requests: int, window: int, *, charge_refused: bool = False) -> None:
        super().__init__(requests, window, charge_refused=charge_refused)
        self._next: int | None = None

    def allows(self, now: int) -> bool:
        """See `Algorithm.allows`."""
        return self.opens(now) == now

    def take(self, now: int) -> None:
        """See `Algorithm.take`."""
        self._next = now + -(-self.window // self.requests)

    def opens(self, now: int) -> int:
        """See `Algorithm.opens`."""
        return now if self._next is None else max(now, self._next)


class TwoBuckets(Algorithm):
    """A weighted counter: this window's requests plus the share of the last one's that still overlaps.

    Content delivery networks count like this: it is cheap, and inexact if the last window was uneven.
    """

    def __init__(self, requests: int, window: int, *, charge_refused: bool = False) -> None:
        super().__init__(requests, window, charge_refused=charge_refused)
        self._index = self._last = self._count = 0

    def allows(self, now: int) -> bool:
        """See `Algorithm.allows`."""
        return self.opens(now) == now

    def take(self, now: int) -> None:
        """See `Algorithm.take`."""
        self._last, self._count = self._counts(now)
        self._index = now // self.window
        self._count += 1

    def opens(self, now: int) -> int:
        """See `Algorithm.opens`."""
        last, count = self._counts(now)
        begin = now - now % self.window
        while True:
            since = self._enough(last, count)
            if since is not None and max(now, begin + since) < begin + self.window:
                return max(now, begin + since)
            last, count, begin = count, 0, begin + self.window

    def _counts(self, now: int) -> tuple[int, int]:
        """Return the requests of the last window and of this one, as seen at a moment."""
        windows = now // self.window - self._index
        if not windows:
            return self._last, self._count
        return (self._count if windows == 1 else 0), 0

    def _enough(self, last: int, count: int) -> int | None:
        """Return how far into a window one more request fits, if it does at all."""
        free = (self.requests - count - 1) * self.window
        if free < 0:
            return None
        return max(0, self.window - free // last) if last else 0


_MAKERS: dict[Policing, Callable[..., Algorithm]] = {
    "sliding_log": SlidingLog,
    "fixed_window": FixedWindow,
    "whole_seconds": WholeSeconds,
    "token_bucket": TokenBucket,
    "leaky_bucket": LeakyBucket,
    "two_buckets": TwoBuckets,
}


def algorithm(
    policing: Policing,
    requests: int,
    seconds: float,
    *,
    time_scale: float = 1.0,
    charge_refused: bool = False,
) -> Algorithm:
    """Make an algorithm by its name.

    Args:
        policing: the name of the algorithm.
        requests: how many requests are allowed in a window.
        seconds: the length of the window.
        time_scale: the real length of one of these seconds; with 1/60 a minute takes a second.
        charge_refused: whether a rejected request counts like an accepted one.

    Raises:
        UsageError: there is no such algorithm, or the limit allows nothing.
    """
    if policing not in _MAKERS:
        raise UsageError(f"policing is one of {', '.join(ALGORITHMS)}, not {policing!r}")
    second = round(SECOND * time_scale)
    more = {"second": second} if policing == "whole_seconds" else {}
    return _MAKERS[policing](requests, round(seconds * second), charge_refused=charge_refused, **more)
