"""How long it will take: computed from the limits, not extrapolated from the past.

With N requests allowed in a window of W seconds, c under way at a time, and d seconds from sending to
response, n requests take at least::

    d + max over j of ( j·W + d·⌊(n - 1 - j·N) / c⌋ ),   j = 0 … ⌊(n - 1) / N⌋

`theoretical_minimum` is that figure: no client that keeps the limit is faster. `forecast` puts in what our
gate really holds a place for, W + guard + d instead of W, and even spacing where it is asked for. Of several
windows the longest is taken first; what is left after j of its rounds passes the shorter ones likewise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import attrs

from hourlyclicks.events import Binding
from hourlyclicks.pacing.window import EVEN_SLACK

if TYPE_CHECKING:
    from hourlyclicks.pacing.plans import Limits, Rate


TYPICAL_LATENCY = 0.25
"""Seconds from a sending to its response, until there is anything to go by."""


@attrs.frozen
class Estimate:
    """What a range will cost.

    Args:
        requests: how many requests it takes if none has to be repeated.
        seconds: how long they take under the limits.
        binding: what decides that: ``"rate"``, ``"concurrency"`` or ``"latency"``.
    """

    requests: int
    seconds: float
    binding: Binding


def theoretical_minimum(requests: int, rate: Rate, *, concurrency: int, latency: float) -> float:
    """Return the seconds that no client keeping this limit can go below."""
    if requests == 0:
        return 0.0
    window = _Window(rate.requests, rate.seconds)
    return latency + _Way((window,), concurrency, latency).longest(requests - 1)


def forecast(requests: int, limits: Limits, *, latency: float) -> Estimate:
    """Return what that many requests will take, with nothing sent before them.

    Args:
        requests: how many.
        limits: the limits to keep.
        latency: seconds from a sending to its response.
    """
    if requests == 0:
        return Estimate(0, 0.0, "latency")
    windows = (
        _Window(rate.requests, rate.seconds + limits.guard + latency)
        for rate in sorted(limits.rates, key=lambda rate: rate.seconds)
    )
    interval = limits.interval * EVEN_SLACK if limits.spacing == "even" else 0.0
    unpaced = _Way((), limits.concurrency, latency).longest(requests - 1)
    paced = _Way(tuple(windows), limits.concurrency, latency, interval).longest(requests - 1)
    binding: Binding = "rate" if paced > unpaced else "concurrency" if unpaced else "latency"
    return Estimate(requests, latency + paced, binding)


class _Window(NamedTuple):
    size: int
    period: float


class _Way(NamedTuple):
    """What holds a request back: a place in each window, one of those under way, the one before it."""

    windows: tuple[_Window, ...]
    concurrency: int
    latency: float
    interval: float = 0.0

    def longest(self, number: int) -> float:
        """Return when the nth request can go, n from 0, by the formula above.

        But for the rounding the sum is linear in j, so that only its ends can be largest; the rounding has
        a period of c, so the c outermost terms of each end are looked at.
        """
        if not self.windows:
            rounds, rest = divmod(number, self.concurrency)
            return max(rounds * self.latency + rest * self.interval, number * self.interval)
        window = self.windows[-1]
        inner = _Way(self.windows[:-1], self.concurrency, self.latency, self.interval)
        last, c = number // window.size, self.concurrency
        outermost: set[int] = {*range(min(c, last + 1)), *range(max(0, last - c + 1), last + 1)}
        ways = [j * window.period + inner.longest(number - j * window.size) for j in outermost]
        return max(ways)
