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
from collections import deque
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.pacing.breaker import CircuitBreaker, Wait
from hourlyclicks.pacing.longest_path import Schedule, Spans, WindowSize, leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hourlyclicks.events import Binding
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job

EVEN_SLACK = 1.05
"""Even spacing keeps this multiple of the average interval between two sendings."""

_FOR_A_SLOT = Wait(None, "concurrency")
_FOR_A_RESPONSE = Wait(None, "rate")


class Slot:
    """The right to send one request."""

    __slots__ = (
        "asked",
        "epoch",
        "id",
        "job",
        "previous_even",
        "probe",
        "sent",
        "storm",
        "storm_probe",
        "what",
    )

    job: Job
    """Whose it is; written by the limiter."""

    def __init__(self, sent: int, epoch: int, previous_even: int, probe: bool = False) -> None:  # noqa: FBT001, FBT002 - by name it would cost a dictionary for every request
        self.id = self.what = ""  # its name, and the day it is for, where several processes share the limits
        self.sent = self.asked = sent  # the slot is held from `asked` on
        self.epoch = epoch
        self.probe = probe
        self.previous_even = previous_even
        self.storm = 0
        self.storm_probe = False


class _Window:
    """One rate: when each slot whose request has returned becomes free again, in order."""

    __slots__ = ("freed", "length", "size")

    def __init__(self, size: int, length: int) -> None:
        self.size = size
        self.length = length
        self.freed: deque[int] = deque()

    def opens(self, in_flight: int, now: int) -> int | None:
        """Return when there is a free slot, ``None`` when a response has to come first."""
        freed = self.freed
        while freed and freed[0] <= now:
            freed.popleft()
        surplus = in_flight + len(freed) - self.size
        if surplus < 0:
            return now
        return freed[surplus] if surplus < len(freed) else None

    def opens_after(self, others: int, sent: Sequence[int]) -> int:
        """Return a moment before which there is no free slot after those of so many other requests.

        A slot that is taken when it becomes free is free again a window later at the earliest.
        """
        opens = [*self.freed, *[moment + self.length for moment in sent]]
        place = len(opens) - self.size + others
        if place < 0 or not opens:
            return 0
        rounds, place = divmod(place, len(opens))
        return opens[place] + rounds * self.length


class Moment(NamedTuple):
    """When something will happen, and what decides it."""

    when: int
    binding: Binding


class SlidingWindow:
    """Decide when a request may go. All moments are nanoseconds of one monotonic clock."""

    def __init__(self, limits: Limits) -> None:
        self.pause = CircuitBreaker()
        self._concurrency = limits.concurrency
        self._sent: list[int] = []  # when the requests in flight were sent, in order
        self._abandoned: list[int] = []  # until when abandoned requests may arrive, in order
        self._spans: Spans | None = None
        self._windows = [
            _Window(rate.requests, ceil((rate.seconds + limits.guard) * SECOND))
            for rate in sorted(limits.rates, key=lambda rate: rate.seconds)
        ]
        self._average = ceil(limits.interval * SECOND)
        self._interval = 0
        self._after_response = 0
        self._even = 0
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
        self._interval = ceil(self._average * slack)
        self._after_response = self._interval if from_response else 0
        self._spans = None

    def restore(self, *, in_flight: Iterable[int], released: Sequence[int], even: int) -> None:
        """Take over what another window has seen.

        Args:
            in_flight: when the requests in flight were sent.
            released: when the responses of the others came, in order.
            even: the moment from which on even spacing lets a request go.
        """
        self._sent = sorted(in_flight)
        for window in self._windows:
            window.freed.extend([moment + window.length for moment in released])
        self._even = even

    @property
    def longest(self) -> int:
        """The length of the longest window in nanoseconds, guard included; 0 when there is none."""
        return self._windows[-1].length if self._windows else 0

    @property
    def even(self) -> int:
        """The moment from which on even spacing lets a request go."""
        return self._even

    def holds(self, now: int) -> Wait | None:
        """Say what a request must wait for now, or ``None`` when it may go."""
        return self.pause.blocks(now) or self._blocks(now)

    def opens_after(self, others: int, now: int) -> int:
        """Return a moment before which no request may go after so many others that go first."""
        sent = [*self._sent, *self._abandoned]
        opens = [window.opens_after(others, sent) for window in self._windows]
        return max([now, self._even + others * self._interval, *opens])

    def reserve(self, now: int) -> Slot | Wait:
        """Take a slot, or say what to wait for."""
        pause = self.pause
        held = (pause.blocks(now) if pause.held else None) or self._blocks(now)
        if held is not None:
            return held
        self._sent.append(now)
        slot = Slot(now, pause.epoch, self._even, pause.held and pause.sent())
        self._even = now + self._interval
        return slot

    def release(self, slot: Slot, now: int) -> None:
        """Note that the response was received now, or that the request can arrive no more."""
        if self._abandoned:
            self._resolve(now)
        self._sent.remove(slot.sent)
        for window in self._windows:
            window.freed.append(now + window.length)
        if self._after_response:
            self.came_back(now)
        if slot.probe:
            self._lost(slot)

    def abandon(self, slot: Slot, now: int, until: int) -> None:
        """Note that a request was abandoned now, and may arrive until a moment."""
        self._resolve(now)
        self._sent.remove(slot.sent)
        insort(self._abandoned, until)
        if slot.probe:
            self._lost(slot)

    def came_back(self, moment: int) -> None:
        """Count the spacing from a response, if that is what it is counted from."""
        if self._after_response:
            self._even = max(self._even, moment + self._after_response)

    def cancel(self, slot: Slot) -> None:
        """Take back a slot whose request was never sent; nothing of it remains."""
        self._sent.remove(slot.sent)
        if self._even == slot.sent + self._interval:
            self._even = slot.previous_even
        self._lost(slot)

    def finish(self, requests: int, now: int, latency: int, *, opens: int = 0) -> Moment:
        """Compute when that many further requests will have been answered, and what decides it.

        Exact if every request takes `latency` from sending to response, is sent as early as the limits allow,
        and is answered; a request in flight returns `latency` after it was sent, but not before `now`.

        What decides it is the first of these without which the end would be sooner: the rates with the
        spacing (``"rate"``), then, without those, the concurrency, then the open breaker or `opens`
        (``"pause"``); if none does, ``"latency"``.

        Args:
            requests: how many, from 1.
            now: the present moment.
            latency: nanoseconds from each sending to its response.
            opens: a moment before which none of them may go, besides what the window itself knows.
        """
        start = max(now, opens)
        if self._abandoned or self.pause.held:
            return self._finish_exceptionally(requests - 1, now, latency, start)
        spans = self._spans
        # The first request needs no time between requests, so that any spans will do.
        if spans is None or (requests > 1 and not spans.low <= latency <= spans.high):
            spans = self._measure(latency)
        returns = self._returns(now, latency) if self._sent else self._sent
        last = leaves(requests - 1, spans, latency, start, self._even, returns, self._held(returns))
        # The same without rates, in a line: each slot of the concurrency is taken anew after each latency.
        rounds, place = divmod(requests - 1, self._concurrency)
        place += len(returns) - self._concurrency
        unpaced = (start if place < 0 or returns[place] < start else returns[place]) + rounds * latency
        return _moment(last, unpaced, start, now, latency)

    # -- inside -----------------------------------------------------------------------------------------

    def _finish_exceptionally(self, number: int, now: int, latency: int, start: int) -> Moment:
        """Do the same with an open breaker or abandoned requests."""
        self._resolve(now)
        returns, breaker = self._returns(now, latency), self.pause
        opens = max(start, breaker.opens(now))
        if breaker.held and breaker.probing and self._sent:
            opens = max(opens, returns[-1])  # since it opened, nothing was sent but the probe
        schedules = (
            Schedule(self._measure(latency), latency, opens, self._even, returns, self._held(returns)),
            Schedule(Spans((), self._concurrency, low=latency, high=latency), latency, opens, 0, returns),
            Schedule(Spans((), number + 1, low=latency, high=latency), latency, opens),
        )
        for schedule in schedules[:2]:
            schedule.abandoned = list(self._abandoned)
        if breaker.held and not breaker.probing and number:
            for schedule in schedules:
                schedule.probe()
            number -= 1
        last, unpaced, unlimited = (schedule.leaves(number) for schedule in schedules)
        return _moment(last, unpaced, unlimited, now, latency)

    def _returns(self, now: int, latency: int) -> list[int]:
        """Return when the requests in flight return, in order."""
        overdue = now - latency
        return [(max(overdue, sent)) + latency for sent in self._sent]

    def _held(self, returns: list[int]) -> list[list[int]]:
        """Return for each window when its slots become free, in order."""
        if not returns:
            return [[*window.freed] for window in self._windows]
        return [[*window.freed, *[moment + window.length for moment in returns]] for window in self._windows]

    def _measure(self, latency: int) -> Spans:
        """Compute the least times between requests for this latency and those that are like it."""
        fineness = max(0, latency.bit_length() - 4)
        low = latency >> fineness << fineness
        self._spans = Spans(
            [WindowSize(window.size, window.length) for window in self._windows],
            self._concurrency,
            self._interval,
            after_response=self._after_response > 0,
            low=low,
            high=low + (1 << fineness),
        )
        return self._spans

    def _blocks(self, now: int) -> Wait | None:
        in_flight = len(self._sent)
        if self._abandoned:
            self._resolve(now)
            in_flight += len(self._abandoned)
        if in_flight >= self._concurrency:
            return self._until_one_returns(_FOR_A_SLOT)
        if self._after_response and in_flight:
            return self._until_one_returns(_FOR_A_RESPONSE)
        latest = self._even
        for window in self._windows:
            opens = window.opens(in_flight, now)
            if opens is None:
                return self._until_one_returns(_FOR_A_RESPONSE)
            latest = max(latest, opens)
        return Wait(latest, "rate") if latest > now else None

    def _until_one_returns(self, held: Wait) -> Wait:
        """Wait for a response, or until an abandoned request can arrive no more."""
        return Wait(self._abandoned[0], held.binding) if self._abandoned else held

    def _resolve(self, now: int) -> None:
        """Count those that can arrive no more as if their responses had come when that began."""
        while self._abandoned and self._abandoned[0] <= now:
            moment = self._abandoned.pop(0)
            for window in self._windows:
                window.freed.append(moment + window.length)
            self.came_back(moment)

    def _lost(self, slot: Slot) -> None:
        if slot.probe and slot.epoch == self.pause.epoch:
            self.pause.probe_lost()


def _moment(last: int, unpaced: int, unlimited: int, now: int, latency: int) -> Moment:
    """Name what decides when the last request leaves: with all limits, without rates, without any."""
    if last > unpaced:
        return Moment(last + latency, "rate")
    if unpaced > unlimited:
        return Moment(last + latency, "concurrency")
    return Moment(last + latency, "pause" if unlimited > now else "latency")
