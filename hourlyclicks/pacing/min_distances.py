"""The minimum distance function of requests: the least time to a later one, whatever happened before.

A request leaves an interval after the one before it, a latency after the one that many places before it as
may be in flight, and a window and a latency after the one that many places before it as the window has slots.
So the least time between a request and the x-th after it is found by filling x with steps of the sizes 1,
concurrency and window size, so that the sum of their times is largest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class WindowSize(NamedTuple):
    """A window: how many slots it has, and how many nanoseconds after a response it holds one."""

    size: int
    length: int


class _Level(NamedTuple):
    size: int
    length: int
    reach: int  # how far the number of full windows can be from either end; 0: as many as fit


class MinDistances:
    """The minimum distance between a request and the x-th after it, for all latencies of a range.

    A step over a window of N slots takes its length and a latency. Two comparisons spare most of the search
    for the best mix with the steps over smaller sizes:

    * when the smaller ones take as long for N requests, the window is never needed (left out),
    * when they take at most as long for any N requests in a row, as many full windows as fit are best.

    Otherwise fewer than `reach` steps of one kind are exchanged for another: of that many, some have sizes
    that add up to a multiple of the size of the densest step, which takes at least as long.

    Args:
        windows: the windows, the shortest first.
        concurrency: how many requests may be in flight.
        interval: nanoseconds of even spacing; 0 without it.
        after_response: whether the interval is counted from the response; then one request is in flight.
        low: the least latency to compute with.
        high: the largest.
    """

    __slots__ = (
        "after_response",
        "extra",
        "group",
        "high",
        "interval",
        "levels",
        "low",
        "plain",
        "simple",
        "windows",
    )

    def __init__(
        self,
        windows: Sequence[WindowSize],
        concurrency: int,
        interval: int = 0,
        *,
        after_response: bool = False,
        low: int,
        high: int,
    ) -> None:
        self.windows = windows
        self.after_response = after_response
        self.group = 1 if after_response else concurrency
        self.extra = interval if after_response else 0
        self.interval = 0 if after_response else interval
        self.low, self.high = low, high
        self.levels: tuple[_Level, ...] = ()  # the longest window first
        self.simple = True
        largest = below = 1 if self.interval * self.group >= high else self.group
        for size, length in windows:
            if length + high <= self.least(size, low):
                continue
            # With a multiple of the size below, N requests in a row take the same time wherever they begin.
            uneven = 0 if self.simple and size % below == 0 else largest - 1
            fits = length + low >= self.least(size + uneven, high)
            self.simple = self.simple and fits
            self.levels = (_Level(size, length, 0 if fits else largest), *self.levels)
            largest, below = max(largest, size), size
        self.plain = self.simple and not interval

    def least(self, number: int, latency: int, level: int = 0) -> int:
        """Return the least nanoseconds between a request and that many after it."""
        total = 0
        for index in range(level, len(self.levels)):
            size, length, reach = self.levels[index]
            full = number // size
            if reach:
                choices = {*range(max(0, full + 1 - reach), full + 1), *range(min(full + 1, reach))}
                ways = [
                    used * (length + latency) + self.least(number - used * size, latency, index + 1)
                    for used in choices
                ]
                longest: int = max(ways)
                return total + longest
            number %= size
            total += full * (length + latency)
        return total + self.without_windows(number, latency)

    def without_windows(self, number: int, latency: int) -> int:
        """Return the same as `least` if concurrency and spacing are all that is kept."""
        group, interval, round_ = self.group, self.interval, latency + self.extra
        if not interval:
            return number // group * round_
        if interval * group >= round_:
            return number * interval
        return number // group * round_ + number % group * interval


class Constraints:
    """What a window keeps; hands out the `MinDistances` for a latency.

    Args:
        windows: the windows, the shortest first.
        concurrency: how many requests may be in flight.
        interval: nanoseconds of even spacing; 0 without it.
        after_response: whether the interval is counted from the response.

    Attributes:
        most: the size of the largest window; 0 without windows.
        least: that of the smallest.
        windows: as given.
    """

    __slots__ = ("_after_response", "_distances", "_interval", "concurrency", "least", "most", "windows")

    def __init__(
        self, windows: Sequence[WindowSize], concurrency: int, interval: int, *, after_response: bool
    ) -> None:
        self.concurrency = concurrency
        self.most = max((window.size for window in windows), default=0)
        self.least = min((window.size for window in windows), default=0)
        self.windows = windows
        self._interval = interval
        self._after_response = after_response
        self._distances: MinDistances | None = None

    def without(self, slots: int) -> Constraints:
        """Return what is kept while so many slots of each window are taken by other requests."""
        windows = [WindowSize(size - slots, length) for size, length in self.windows]
        return Constraints(windows, self.concurrency, self._interval, after_response=self._after_response)

    def distances(self, latency: int) -> MinDistances:
        """Return the least times between requests for this latency, and for those close to it."""
        distances = self._distances
        if distances is None or not distances.low <= latency <= distances.high:
            fineness = max(0, latency.bit_length() - 4)
            low = latency >> fineness << fineness
            distances = self._distances = MinDistances(
                self.windows,
                self.concurrency,
                self._interval,
                after_response=self._after_response,
                low=low,
                high=low + (1 << fineness),
            )
        return distances
