"""The schedule of further requests: when each leaves if all leave as early as the limits allow.

Every request takes `latency` from sending to response, and there are always enough workers. Then request k
leaves at the latest of

* the moment that something in the past sets for it: the present, an open breaker, even spacing, the response
  of a request in flight, or a slot of a window that a past request still holds,
* ``s[k - 1] + interval``, in even spacing,
* ``s[k - concurrency] + latency``, since so many may be in flight,
* ``s[k - size] + length + latency`` for each window, since a slot is held until a window after the response.

Unrolled, this is a longest path: ``s[m]`` is the maximum, over the moments b that the past sets for a
request i, of ``b + least(m - i)``, where ``least(x)`` is the least time between a request and the x-th after
it (`hourlyclicks.pacing.min_distances`). Nothing here depends on the number of requests; the past has at most
as many moments as the windows have slots.

Abandoned requests end at moments of their own. Until the first of them ends, the requests pass the same
limits with smaller sizes, so that the schedule is computed in one stretch for each of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import add
from typing import TYPE_CHECKING

from hourlyclicks.pacing.min_distances import MinDistances, WindowSize

if TYPE_CHECKING:
    from collections.abc import Sequence


class Schedule:
    """When further requests leave, from what is known of the past.

    Args:
        distances: the least times between requests.
        latency: nanoseconds from sending to response, in the range of `distances`.
        start: the moment before which none leaves; at least the present.
        even: the moment from which on even spacing lets a request go.
        returns: when the requests in flight return, in order; at most `start` + `latency`.
        responses: when the last responses came, in order, those of the requests in flight included.
        abandoned: until when abandoned requests may arrive, in order.
    """

    __slots__ = ("abandoned", "distances", "even", "latency", "responses", "returns", "start")

    def __init__(
        self,
        distances: MinDistances,
        latency: int,
        start: int,
        even: int = 0,
        returns: list[int] | None = None,
        responses: list[int] | None = None,
        abandoned: Sequence[int] = (),
    ) -> None:
        self.distances = distances
        self.latency = latency
        self.start = start
        self.even = even
        self.returns = returns or []
        self.responses = responses or []
        self.abandoned = list(abandoned)

    def leaves(self, number: int) -> int:
        """Return when the nth further request leaves, n from 0."""
        return self._after_the_abandoned(number) if self.abandoned else self._leaves(number)

    def probe(self) -> None:
        """Let a single request go first; the others leave after its response at the earliest."""
        moment = self.leaves(0)
        self._sent([moment])
        self.start = moment + self.latency
        self._end(self.start)

    def _leaves(self, number: int) -> int:
        return leaves(
            number, self.distances, self.latency, self.start, self.even, self.returns, self.responses
        )

    # -- abandoned requests -----------------------------------------------------------------------------

    def _after_the_abandoned(self, number: int) -> int:
        """Return when the nth request leaves, by the stretches between the ends of abandoned requests."""
        while self.abandoned:
            end = self.abandoned[0]
            if end > self.start:
                # Within a stretch nothing ends, so the smaller schedule is exact there. Its moments rise with
                # the number of the request, which makes it enough to find the first one that is too late.
                stretch = self._stretch()
                sent = 0 if stretch is None else bisect_left(range(number + 1), end, key=stretch._leaves)  # noqa: SLF001 - its own class
                if stretch is not None and sent:
                    if sent > number:
                        return stretch._leaves(number)  # noqa: SLF001 - its own class
                    # No limit looks further back than that many requests.
                    most = max(self.distances.group, *(size for size, _ in self.distances.windows), 1)
                    self._sent([stretch._leaves(nth) for nth in range(max(0, sent - most), sent)])  # noqa: SLF001 - its own class
                    number -= sent
                self.start = end
            self._end(self.start)
        return self._leaves(number)

    def _stretch(self) -> Schedule | None:
        """Return the schedule as long as all abandoned requests hold their slots; ``None``: none leaves."""
        distances, less = self.distances, len(self.abandoned)
        windows = [WindowSize(size - less, length) for size, length in distances.windows]
        if distances.after_response or min([distances.group - less, *(size for size, _ in windows)]) <= 0:
            return None
        smaller = MinDistances(
            windows, distances.group - less, distances.interval, low=self.latency, high=self.latency
        )
        return Schedule(smaller, self.latency, self.start, self.even, self.returns, self.responses)

    def _sent(self, moments: Sequence[int]) -> None:
        """Add the last requests that have left."""
        returns = [moment + self.latency for moment in moments]
        self.returns = sorted(self.returns + returns)[-self.distances.group :]
        self.responses = sorted(self.responses + returns)
        self.even = max(self.even, moments[-1] + self.distances.interval)
        if self.distances.after_response:
            self.even = max(self.even, returns[-1] + self.distances.extra)

    def _end(self, now: int) -> None:
        """Count the abandoned requests that can arrive no more as if their responses had come then."""
        while self.abandoned and self.abandoned[0] <= now:
            moment = self.abandoned.pop(0)
            self.responses = sorted([*self.responses, moment])
            if self.distances.after_response:
                self.even = max(self.even, moment + self.distances.extra)


def leaves(
    number: int,
    distances: MinDistances,
    latency: int,
    start: int,
    even: int,
    returns: Sequence[int],
    responses: Sequence[int],
) -> int:
    """Return when the nth further request leaves, n from 0; for the rest see `Schedule`."""
    first = max(even, start)
    if distances.plain:
        # All full windows come last. So of the responses only one matters: that of the request in flight
        # which holds the place that the request takes in the first round.
        best, rest, group = 0, number, distances.group
        for size, length, _ in distances.levels:
            best += rest // size * (length + latency)
            rest %= size
        place = rest % group - group + len(returns)
        if place >= 0 and returns[place] > first:
            first = returns[place]
        best += first + rest // group * latency
    elif distances.after_response:
        if returns:
            first = max(first, returns[-1] + distances.extra)
        best = first + distances.least(number, latency)
    else:
        best = first + distances.least(number, latency)
        free = distances.group - len(returns)  # the request with this number waits for the first response
        for nth, moment in enumerate(returns, free):
            if 0 <= nth <= number:
                best = max(best, moment + distances.least(number - nth, latency))
    search = _after_slots if distances.simple else _after_each_slot
    for size, length in distances.windows:
        if responses and responses[-1] + length > start:
            # A slot that was free at the start sets no moment.
            first_held = bisect_right(responses, start - length)
            best = length + search(number, distances, latency, size, responses, first_held, best - length)
    return best


def _after_slots(
    number: int,
    distances: MinDistances,
    latency: int,
    size: int,
    responses: Sequence[int],
    first_held: int,
    best: int,
) -> int:
    """Return the latest of `best` and of the paths from the responses whose slots a window holds.

    As long as the same number of full windows follows, the later responses are at least as late, and only the
    rounds of the concurrency between them and the last request differ; so many are compared at a time.
    """
    levels, group, round_ = distances.levels, distances.group, latency + distances.extra
    if distances.interval and distances.interval * group >= round_:
        group, round_ = 1, distances.interval
    uneven = distances.interval if group > 1 else 0
    free = size - len(responses)  # the request with this number waits for the first response
    nth = max(0, free + first_held)
    last = size - 1 if size <= number else number
    while nth <= last:
        full, rest = 0, number - nth
        for window, length, _ in levels:
            full += rest // window * (length + latency)
            rest %= window
        end = nth + rest
        until = min(last, end)
        longest = rest // group * round_ + (group - 1) * uneven
        if responses[until - free] + full + longest > best:
            for more in range(min(group, rest + 1) if uneven else 1):
                top = min(end - more, until)
                path = _latest(responses, nth - free, top - free, end - more - free, group, round_)
                best = max(best, full + path + more * uneven)
        nth = until + 1
    return best


def _after_each_slot(
    number: int,
    distances: MinDistances,
    latency: int,
    size: int,
    responses: Sequence[int],
    first_held: int,
    best: int,
) -> int:
    """Return the same as `_after_slots`, where the number of full windows has to be searched for."""
    free = size - len(responses)
    first, last = max(0, free + first_held), min(size - 1, number)
    longest = distances.least(number - first, latency) if first <= last else 0
    for nth in range(last, first - 1, -1):
        if responses[nth - free] + longest <= best:
            break
        best = max(best, responses[nth - free] + distances.least(number - nth, latency))
    return best


def _latest(responses: Sequence[int], first: int, last: int, end: int, group: int, round_: int) -> int:
    """Return the latest of ``responses[k] + (end - k) // group * round_``, k from `first` to `last`.

    The responses are in order, so that of those with the same number of rounds only the last matters.
    """
    rounds = (end - last) // group
    best = responses[last] + rounds * round_
    top = end - (rounds + 1) * group
    if top < first or not round_:
        return best
    lowest = first + (top - first) % group
    most = (end - lowest) // group * round_
    if responses[top] + most <= best:
        return best
    others: int = max(map(add, responses[lowest : top + 1 : group], range(most, rounds * round_, -round_)))
    return max(best, others)
