"""A snapshot of a sliding window, and the end of a run as computed from it.

Most of those that could know the end of a run never look at it. So a snapshot is cheap to take, and the end
is computed when it is asked for, from what was known when the snapshot was taken. The log of responses is not
copied: the window only appends to it, and begins a new list when it drops old entries.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.pacing.longest_path import Schedule, leaves
from hourlyclicks.pacing.min_distances import MinDistances

if TYPE_CHECKING:
    from hourlyclicks.events import Binding
    from hourlyclicks.pacing.min_distances import Constraints


class Moment(NamedTuple):
    """When something will happen, and what decides it."""

    when: int
    binding: Binding


class Usage(NamedTuple):
    """How much of the limits is in use at one moment.

    Args:
        in_flight: requests that were sent and are not answered; those that were abandoned, too.
        free: how many more requests each window has room for, the shortest window first.
        held: whether the circuit breaker is not closed.
        until: when the breaker lets a probe go, or the moment itself.
        opens: from when on a request may go.
    """

    in_flight: int
    free: tuple[int, ...]
    held: bool
    until: int
    opens: int


class WindowSnapshot(NamedTuple):
    """What a window knows at one moment. All moments are nanoseconds of its clock.

    Args:
        now: the moment.
        constraints: what the window keeps.
        in_flight: when the requests in flight were sent, in order.
        abandoned: until when abandoned requests may arrive, in order; each after `now`.
        log: when responses came, in order; those in the future are not known to come, and count until then.
        logged: how many entries of the log there were at that moment.
        even: the moment from which on even spacing lets a request go.
        opens: the moment from which on the circuit breaker lets a request go.
        held: whether the circuit breaker is not closed.
        probing: whether its probe is in flight.
    """

    now: int
    constraints: Constraints
    in_flight: list[int]
    abandoned: list[int]
    log: list[int]
    logged: int
    even: int
    opens: int
    held: bool
    probing: bool

    def finish(self, requests: int, latency: int, *, opens: int = 0) -> Moment:
        """Compute when that many further requests will have been answered, and what decides it.

        Exact if every request takes `latency` from sending to response, is sent as early as the limits allow,
        and is answered; a request in flight returns `latency` after it was sent, but not before `now`.

        What decides it is the first of these without which the end would be sooner: the rates with the
        spacing (``"rate"``), then, without those, the concurrency, then the open breaker or `opens`
        (``"pause"``); if none does, ``"latency"``.

        Args:
            requests: how many, from 1.
            latency: nanoseconds from each sending to its response.
            opens: a moment before which none of them may go, besides what the window itself knows.
        """
        if self.logged and self.log[self.logged - 1] > self.now:
            late = self.logged - bisect_right(self.log, self.now, 0, self.logged)
            if late < self.constraints.least:
                return self._without(late).finish(requests, latency, opens=opens)
        start = max(self.now, opens)
        overdue = self.now - latency
        returns = [(max(overdue, sent)) + latency for sent in self.in_flight]
        if self.abandoned or self.held:
            return self._finish_exceptionally(requests - 1, latency, start, returns)
        constraints = self.constraints
        # Without rates each slot of the concurrency is taken anew after each latency.
        rounds, place = divmod(requests - 1, constraints.concurrency)
        place += len(returns) - constraints.concurrency
        unpaced = (start if place < 0 or returns[place] < start else returns[place]) + rounds * latency
        if not constraints.most and self.even <= start:
            return self._moment(unpaced, unpaced, start, latency)
        distances, responses = constraints.distances(latency), self._responses(returns)
        last = leaves(requests - 1, distances, latency, start, self.even, returns, responses)
        return self._moment(last, unpaced, start, latency)

    def usage(self, latency: int) -> Usage:
        """Return how much of the limits is in use; `latency`: as for `finish`."""
        in_flight = len(self.in_flight) + len(self.abandoned)
        logged = self.log[: self.logged]
        free = tuple(
            max(0, size - in_flight - sum(moment + length > self.now for moment in logged))
            for size, length in self.constraints.windows
        )
        return Usage(in_flight, free, self.held, self.opens, self.finish(1, latency).when - latency)

    def _without(self, late: int) -> WindowSnapshot:
        """Return the same with smaller windows in place of the last entries of the log, those in the future.

        Each of them takes a slot of every window until then and a window longer; other requests pass it by.
        That the windows are larger again afterwards is left out.
        """
        return self._replace(constraints=self.constraints.without(late), logged=self.logged - late)

    def _responses(self, returns: list[int]) -> list[int]:
        """Return when the last responses came or will come, as many as the largest window counts."""
        return self.log[max(0, self.logged - self.constraints.most) : self.logged] + returns

    def _finish_exceptionally(self, number: int, latency: int, start: int, returns: list[int]) -> Moment:
        """Do the same with an open breaker or abandoned requests."""
        opens = max(start, self.opens)
        if self.held and self.probing and returns:
            opens = max(opens, returns[-1])  # since it opened, nothing was sent but the probe
        concurrency, distances = self.constraints.concurrency, self.constraints.distances(latency)
        schedules = (
            Schedule(distances, latency, opens, self.even, returns, self._responses(returns)),
            Schedule(MinDistances((), concurrency, low=latency, high=latency), latency, opens, 0, returns),
            Schedule(MinDistances((), number + 1, low=latency, high=latency), latency, opens),
        )
        for schedule in schedules[:2]:
            schedule.abandoned = list(self.abandoned)
        if self.held and not self.probing and number:
            for schedule in schedules:
                schedule.probe()
            number -= 1
        last, unpaced, unlimited = (schedule.leaves(number) for schedule in schedules)
        return self._moment(last, unpaced, unlimited, latency)

    def _moment(self, last: int, unpaced: int, unlimited: int, latency: int) -> Moment:
        """Name what decides when the last request leaves: with all limits, without rates, without any."""
        binding: Binding = "pause" if unlimited > self.now else "latency"
        if last > unpaced:
            binding = "rate"
        elif unpaced > unlimited:
            binding = "concurrency"
        return Moment(last + latency, binding)
