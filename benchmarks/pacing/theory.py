"""The least time that so many requests can take, by a formula of its own: nothing here is the package's."""

from __future__ import annotations


def least_seconds(requests: int, *, rate: int, window: float, concurrency: int, latency: float) -> float:
    """Return the seconds below which no client stays that keeps the limit.

    After j full windows the requests that are left still have to pass, so many at a time::

        d + max over j of ( j·W + d·⌊(N - 1 - j·R) / c⌋ ),   j = 0 … ⌊(N - 1) / R⌋

    Args:
        requests: N, at least 1.
        rate: R, the requests that are allowed in a window.
        window: W, its length in seconds.
        concurrency: c, the requests that may be under way at once.
        latency: d, the seconds from a sending to its response.
    """
    last = requests - 1
    rounds = range(last // rate + 1)
    return latency + max(j * window + latency * ((last - j * rate) // concurrency) for j in rounds)
