"""How long it will take: computed from the limits, not extrapolated from the past.

With N requests allowed in a window of W seconds, c under way at a time, and d seconds from sending to
response, n requests take at least::

    d + max over j of ( j·W + d·⌊(n - 1 - j·N) / c⌋ ),   j = 0 … ⌊(n - 1) / N⌋

`theoretical_minimum` is that figure: no client that keeps the limit is faster. `forecast` puts in what our
gate really holds a place for, W + guard + d instead of W, and even spacing where it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks.events import Binding
from hourlyclicks.pacing.gate import EVEN_SLACK

if TYPE_CHECKING:
    from hourlyclicks.pacing.plans import Limits, Rate


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
    return _makespan(requests, rate.requests, rate.seconds, concurrency=concurrency, latency=latency)


def forecast(requests: int, limits: Limits, *, latency: float) -> Estimate:
    """Return what that many requests will take, with nothing sent before them.

    Args:
        requests: how many.
        limits: the limits to keep.
        latency: seconds from a sending to its response.
    """
    if requests == 0:
        return Estimate(0, 0.0, "latency")
    batches = (requests - 1) // limits.concurrency
    candidates = [
        (latency, "latency"),
        (latency + batches * latency, "concurrency"),
        *((_paced(requests, rate, limits, latency=latency), "rate") for rate in limits.rates),
    ]
    seconds, binding = max(candidates, key=lambda candidate: candidate[0])
    return Estimate(requests, seconds, binding)  # type: ignore[arg-type]  # the literals above


def _paced(requests: int, rate: Rate, limits: Limits, *, latency: float) -> float:
    period = rate.seconds + limits.guard + latency
    windows = _makespan(requests, rate.requests, period, concurrency=limits.concurrency, latency=latency)
    if limits.spacing == "window":
        return windows
    return max(windows, (requests - 1) * limits.interval * EVEN_SLACK + latency)


def _makespan(requests: int, size: int, period: float, *, concurrency: int, latency: float) -> float:
    """Evaluate the formula above. It is linear in j but for the rounding, so only its ends can be largest."""
    last = (requests - 1) // size
    ends = {0, last, max(last - 1, 0)}
    return latency + max(j * period + latency * ((requests - 1 - j * size) // concurrency) for j in ends)
