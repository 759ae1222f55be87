"""The sliding window: at most N arrivals at the server in any window, however long requests are on their way.

The server counts arrivals, and we do not see them. A request arrives at some moment between the one it is
sent at and the one its response is received at. So its slot in a window of length W is held

* from the moment it is sent, since it may arrive at once,
* until W after its response was received, since it may have arrived just before that.

Two requests that ever share a window at the server then share one here too, and no jitter can break the
limit. A log of send times, evenly spaced sending at exactly the limit, and token buckets all can.

An *abandoned* request may still arrive. Its slot is held as if it were in flight, until the time that
it is given for that is over; then it counts as if its response had come at that moment.

Several windows and a cap on the requests in flight hold at once. In even spacing two more rules lie on top:
first 1.05 times the average interval between two *sendings*; and when a server still answers 429, the
interval is counted from the last *response*, which bounds the distance of two arrivals from below just as
the log bounds their number from above.

Everything here is a state machine on integer nanoseconds. It neither waits nor reads a clock.
"""

from __future__ import annotations

from bisect import insort
from math import ceil
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.pacing.breaker import CircuitBreaker, Wait
from hourlyclicks.pacing.min_distances import Constraints, WindowSize
from hourlyclicks.pacing.snapshot import WindowSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job
    from hourlyclicks.pacing.snapshot import Moment

EVEN_SLACK = 1.05
"""Even spacing keeps this multiple of the average interval between two sendings."""

_SHORT_LOG = 64
_FOR_A_SLOT = Wait(None, "concurrency")
_FOR_A_RESPONSE = Wait(None, "rate")


class Slot:
    """The right to send one request."""

    __slots__ = (
        "backfill_epoch",
        "backfill_probe",
        "epoch",
        "job",
        "previous_even",
        "probe",
        "sent",
    )

    job: Job
    """Whose it is; written by the limiter."""

    def __init__(self, sent: int, epoch: int, previous_even: int, probe: bool = False) -> None:  # noqa: FBT001, FBT002 - by name it would cost a dictionary for every request
        self.sent = sent
        self.epoch = epoch
        self.probe = probe
        self.previous_even = previous_even
        self.backfill_epoch = 0
        self.backfill_probe = False


class SlidingWindow:
    """Decide when a request may go. All moments are nanoseconds of one monotonic clock.

    One log serves all windows: when the responses of the last requests came, in order. With F slots of a
    window not in flight, the F-th last response is the one whose slot becomes free first.
    """

    def __init__(self, limits: Limits) -> None:
        self.breaker = CircuitBreaker()
        self._concurrency = limits.concurrency
        self._sent: list[int] = []  # when the requests in flight were sent, in order
        self._abandoned: list[int] = []  # until when abandoned requests may arrive, in order
        self._log: list[int] = []  # when the last responses came, in order
        self._windows = [
            WindowSize(rate.requests, ceil((rate.seconds + limits.guard) * SECOND))
            for rate in sorted(limits.rates, key=lambda rate: rate.seconds)
        ]
        self._average = ceil(limits.interval * SECOND)
        self._even = 0
        self._keep_interval(0)
        self._longest_log = max(_SHORT_LOG, 2 * self._constraints.most)
        if limits.spacing == "even":
            self.space(EVEN_SLACK)

    @property
    def limited(self) -> bool:
        """Whether there is any rate to keep."""
        return bool(self._windows)

    @property
    def interval(self) -> float:
        """The seconds kept between two sendings; 0 in window spacing."""
        return self._interval / SECOND

    def space(self, slack: float, *, from_response: bool = False) -> None:
        """Keep `slack` times the average interval between sendings, or from a response to a sending."""
        self._keep_interval(ceil(self._average * slack), from_response=from_response)

    def restore(
        self, *, in_flight: Iterable[int], released: Sequence[int], even: int, abandoned: Iterable[int] = ()
    ) -> None:
        """Take over what another window has seen.

        Args:
            in_flight: when the requests in flight were sent.
            released: when the responses of the others came, in order. A moment in the future is that of a
                request that may arrive until then, and takes no slot of the concurrency any more.
            even: the moment from which on even spacing lets a request go.
            abandoned: until when abandoned requests may arrive; each in the future.
        """
        self._sent = sorted(in_flight)
        self._abandoned = sorted(abandoned)
        self._log = list(released)
        self._even = even

    @property
    def longest(self) -> int:
        """The length of the longest window in nanoseconds, guard included; 0 when there is none."""
        return self._windows[-1].length if self._windows else 0

    @property
    def in_flight(self) -> int:
        """How many requests are in flight, abandoned ones left out."""
        return len(self._sent)

    @property
    def even(self) -> int:
        """The moment from which on even spacing lets a request go."""
        return self._even

    def holds(self, now: int) -> Wait | None:
        """Say what a request must wait for now, or ``None`` when it may go."""
        return self.breaker.blocks(now) or self._blocks(now)

    def opens_after(self, others: int, now: int) -> int:
        """Return a moment before which no request may go after so many others that go first.

        Computed without latency: with it, responses and so their slots only come later.
        """
        return self.finish(others + 1, now, 0).when

    def reserve(self, now: int) -> Slot | Wait:
        """Take a slot, or say what to wait for."""
        breaker = self.breaker
        held = (breaker.blocks(now) if breaker.held else None) or self._blocks(now)
        if held is not None:
            return held
        self._sent.append(now)
        slot = Slot(now, breaker.epoch, self._even, breaker.held and breaker.sent())
        self._even = now + self._interval
        return slot

    def release(self, slot: Slot, now: int) -> None:
        """Note that the response was received now, or that the request can arrive no more."""
        if self._abandoned:
            self._resolve(now)
        self._sent.remove(slot.sent)
        if self._windows:
            self._record(now)
        if self._after_response:
            self.space_after(now)
        if slot.probe:
            self._lost(slot)

    def abandon(self, slot: Slot, now: int, until: int) -> None:
        """Note that a request was abandoned now, and may arrive until a moment."""
        self._resolve(now)
        self._sent.remove(slot.sent)
        insort(self._abandoned, until)
        if slot.probe:
            self._lost(slot)

    def space_after(self, moment: int) -> None:
        """Count the spacing from a response, if that is what it is counted from."""
        if self._after_response:
            self._even = max(self._even, moment + self._after_response)

    def cancel(self, slot: Slot) -> None:
        """Take back a slot whose request was never sent; nothing of it remains."""
        self._sent.remove(slot.sent)
        if self._even == slot.sent + self._interval:  # no other request has moved it since
            self._even = slot.previous_even
        self._lost(slot)

    def snapshot(self, now: int) -> WindowSnapshot:
        """Take a snapshot, from which the end of further requests can be computed."""
        if self._abandoned:
            self._resolve(now)
        breaker = self.breaker
        held = breaker.held
        known = (
            now,
            self._constraints,
            self._sent.copy(),
            self._abandoned.copy(),
            self._log,
            len(self._log),
            self._even,
            breaker.opens(now) if held else now,
            held,
            breaker.probing,
        )
        return tuple.__new__(WindowSnapshot, known)  # its constructor costs as much as the rest

    def finish(self, requests: int, now: int, latency: int, *, opens: int = 0) -> Moment:
        """Compute when that many further requests will have been answered; see `WindowSnapshot.finish`."""
        return self.snapshot(now).finish(requests, latency, opens=opens)

    # -- inside -----------------------------------------------------------------------------------------

    def _keep_interval(self, interval: int, *, from_response: bool = False) -> None:
        self._interval = interval
        self._after_response = interval if from_response else 0
        self._constraints = Constraints(
            self._windows, self._concurrency, interval, after_response=self._after_response > 0
        )

    def _blocks(self, now: int) -> Wait | None:
        in_flight = len(self._sent)
        if self._abandoned:
            self._resolve(now)
            in_flight += len(self._abandoned)
        if in_flight >= self._concurrency:
            return self._until_one_returns(_FOR_A_SLOT)
        if self._after_response and in_flight:
            return self._until_one_returns(_FOR_A_RESPONSE)
        latest, log = self._even, self._log
        for size, length in self._windows:
            free = size - in_flight
            if free <= 0:
                return self._until_one_returns(_FOR_A_RESPONSE)
            if free <= len(log):  # the last responses hold the other slots; this is the first to free one
                latest = max(latest, log[-free] + length)
        return Wait(latest, "rate") if latest > now else None

    def _until_one_returns(self, held: Wait) -> Wait:
        """Wait for a response, or until an abandoned request can arrive no more."""
        return Wait(self._abandoned[0], held.binding) if self._abandoned else held

    def _resolve(self, now: int) -> None:
        """Count those that can arrive no more as if their responses had come when that began."""
        while self._abandoned and self._abandoned[0] <= now:
            moment = self._abandoned.pop(0)
            if self._windows:
                self._record(moment)
            self.space_after(moment)

    def _record(self, moment: int) -> None:
        """Add a response to the log.

        When old entries are dropped, a new list begins, since snapshots share the present one.
        """
        log = self._log
        log.append(moment)
        if len(log) > self._longest_log:
            self._log = log[-self._constraints.most :]

    def _lost(self, slot: Slot) -> None:
        if slot.probe and slot.epoch == self.breaker.epoch:
            self.breaker.probe_lost()
