"""The arbiter: one rate limit for all processes with the same key. Pure, like the throttle inside it.

Each step reads the shared state, does one thing and writes the state back, in one transaction of the store.
No two steps overlap, so what holds for one process holds for all of them together: at most N arrivals in any
window, the cap on requests in flight, one pause for all and one probe after it. A process that is started
anew finds the log of its predecessor and sends nothing too early.

*Claims.* A slot for a day comes with the claim to that day: until the lease expires or the claim is released,
no other process requests the day. With each step that changes something, a process renews its other claims:
it may have an answer that is not yet stored, or need a further request to know what an answer means.

Which process goes first is in `hourlyclicks.coordination.process_queue`. What expires, and what happens when
the clock was set back, is in `hourlyclicks.coordination.expiry`; what remains of a process that has ended is
in `hourlyclicks.coordination.orphans`.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.expiry import correct_clock, expire
from hourlyclicks.coordination.heartbeat import write_heartbeats
from hourlyclicks.coordination.orphans import disown, response_time
from hourlyclicks.coordination.process_queue import GRACE, POLL_AFTER, ProcessQueue
from hourlyclicks.coordination.state import Claim, SentRequest, holder_of
from hourlyclicks.coordination.worst_case import assume_worst
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.throttle import AdaptiveThrottle
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hourlyclicks.coordination.heartbeat import Heartbeat
    from hourlyclicks.coordination.process_queue import SlotRequest
    from hourlyclicks.coordination.state import ArbiterState, LimitsHolder, Process
    from hourlyclicks.events import Binding
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.snapshot import WindowSnapshot
    from hourlyclicks.pacing.throttle import Throttled

HOLDER_AFTER = SECOND // 4
"""Nanoseconds after which to look again whether the holder of the account's lease shares the limit by now."""

_OTHERS_FIRST: Binding = "rate"


class Claimed(NamedTuple):
    """Another process holds the claim to that day, or to one of these days."""


class Arbiter:
    """One step of the shared rate limit.

    Args:
        limits: the limits to keep.
        state: the shared state; changed in place.
        now: the moment of the step.
        lease: how long a request can be in flight, in nanoseconds.
        gone: the processes that are known to have ended.
    """

    def __init__(
        self, limits: Limits, state: ArbiterState, *, now: int, lease: int, gone: Collection[str] = ()
    ) -> None:
        self._state = state
        self._now = now
        self._lease = lease
        self._limits = limits
        self._throttle = AdaptiveThrottle(limits)
        self._queue = ProcessQueue(state, now)
        self.changed = now < state.seen
        correct_clock(state, now, lease)
        expired = expire(state, now, self._throttle.window.longest)
        self.changed |= disown(state, gone, now, lease)
        self._restore()
        for moment in expired:
            self._throttle.window.space_after(moment)

    def reserve(self, request: SlotRequest) -> Slot | Wait | Claimed:
        """Grant a slot for a day or a range, or return what to wait for.

        A process that has to wait gets a queue entry.
        A process that repeats a request because the result was lost on the way gets the same slot.
        """
        given = self._state.requests.get(request.name)
        if given is not None:
            return _slot(given)
        if self._state.limits_holder is not None:
            self.changed |= self._queue.enqueue(request, self._now)
            return Wait(self._now + HOLDER_AFTER, _OTHERS_FIRST)
        for day in request.days:
            claim = self._state.claims.get(day)
            if claim is not None and claim.holder != request.holder:
                return Claimed()
        wait = self._throttle.window.holds(self._now)
        if wait is None and not self._queue.is_next(request):
            # When the process that ranks higher will ask cannot be known, so this one has to poll.
            wait = Wait(self._now + POLL_AFTER, _OTHERS_FIRST)
        elif wait is not None:
            wait = self._after_others(request, wait)
        if wait is None:
            return self._grant(request)
        self.changed |= self._queue.enqueue(request, wait.until)
        return wait

    def next_wait(self, request: SlotRequest) -> Wait | None:
        """Return what the next request of a process must wait for that was just granted a slot.

        ``None``: it has no other request, or may ask at once. Otherwise its queue entry says when it will
        ask, so that it need not take a step to learn that.
        """
        if request.waiting <= 1:
            return None
        held = self._throttle.window.holds(self._now)
        if held is None:
            return None
        following = request._replace(waiting=request.waiting - 1, unsent=max(0, request.unsent - 1))
        wait = self._after_others(following, held)
        self.changed |= self._queue.enqueue(following, wait.until)
        return wait

    def ahead(self, holder: str, lane: int) -> int:
        """Return how many other processes in the queue rank before one."""
        return self._queue.ahead(holder, lane)

    @property
    def waited(self) -> int:
        """The nanoseconds since the last of the requests in flight was sent."""
        return min((self._now - request.sent for request in self._in_flight.values()), default=0)

    @property
    def expires_in(self) -> int:
        """The nanoseconds until the first of the requests in flight counts as over."""
        return min((request.expires - self._now for request in self._in_flight.values()), default=GRACE)

    def awaits_only(self, slots: Collection[str]) -> bool:
        """Return whether the requests in flight are all among some."""
        in_flight = self._in_flight
        return bool(in_flight) and all(name in slots for name in in_flight)

    def release(self, name: str, *, answered: bool) -> None:
        """Note that the response of a request has come, or that it is not waited for any more."""
        slot = self._remove(name)
        if slot is None:
            return
        if answered:
            self._throttle.answered(slot)
        self._state.slowest = response_time(self._state.slowest, self._now - slot.sent)
        self._throttle.window.release(slot, self._now)
        self._state.released.append(self._now)

    def abandon(self, name: str, longest: int) -> None:
        """Hold the slot of an abandoned request for so long from now on; see `SlidingWindow.abandon`."""
        request = self._state.requests.get(name)
        if request is None:
            return
        self.changed = True
        if request.probe and request.epoch == self._throttle.window.breaker.epoch:
            self._throttle.window.breaker.probe_lost()
        self._state.requests[name] = request._replace(expires=self._now + longest, probe=False)

    def cancel(self, name: str, *days: str) -> None:
        """Cancel a slot whose request was never sent, and the claims that came with it."""
        slot = self._remove(name)
        if slot is not None:
            self._throttle.window.cancel(slot)
            for day in days:
                self.settle(day, holder_of(name))

    def rate_limited(
        self, name: str, retry_after: float | None, *, u: float, for_rate: bool
    ) -> Throttled | None:
        """Pause all processes after a 429; see `AdaptiveThrottle.rate_limited`."""
        request = self._state.requests.get(name)
        if request is None:
            return None
        self.changed = True
        return self._throttle.rate_limited(_slot(request), retry_after, now=self._now, u=u, for_rate=for_rate)

    def settle(self, day: str, holder: str) -> None:
        """Release the claim to a day, if it is that process's."""
        claim = self._state.claims.get(day)
        if claim is not None and claim.holder == holder:
            del self._state.claims[day]
            self.changed = True

    def renew_claims(self, days: Collection[str], holder: str) -> None:
        """Renew the claims of a process to some days, if the step changes something anyway.

        One that has expired is renewed as well, as after a stop of the process, unless another one has it.
        """
        if self.changed:
            claims, renewed = self._state.claims, Claim(holder, self._now + self._lease)
            for day in days:
                if claims.get(day, renewed).holder == holder:
                    claims[day] = renewed

    def leave(self, holder: str) -> None:
        """Remove the queue entry of a process."""
        self.changed |= self._queue.leave(holder)

    @property
    def limits_holder(self) -> LimitsHolder | None:
        """The process that has the limits in memory, so that no other one may send."""
        return self._state.limits_holder

    def expire_holder(self, ended: int, holder: LimitsHolder | None) -> None:
        """Share the limits again whose holder has lost its lease; see `assume_worst`.

        Args:
            ended: when the lease ended.
            holder: the holder; if it is another one by now, nothing is done.
        """
        if holder is None or self._state.limits_holder != holder:
            return
        self.changed = True
        interval = ceil(self._throttle.window.interval * SECOND)
        assume_worst(
            self.close(), self._limits, ended=ended, now=self._now, lease=self._lease, interval=interval
        )
        self._restore()

    def write_heartbeats(self, heartbeats: Mapping[str, Heartbeat]) -> None:
        """Write what runs report, by their keys, if the step changes something anyway."""
        if self.changed:
            write_heartbeats(self._state, heartbeats, self._now)

    def end_run(self, key: str) -> None:
        """Remove a run."""
        self.changed |= self._state.runs.pop(key, None) is not None

    def introduce(self, holder: str, process: Process) -> None:
        """Write which process a holder is, if the step changes something anyway; drop those with nothing."""
        if self.changed:
            state = self._state
            known = {holder, *state.queue, *map(holder_of, state.requests), *map(holder_of, state.runs)}
            known.update(claim.holder for claim in state.claims.values())
            state.processes = {name: each for name, each in state.processes.items() if name in known}
            state.processes[holder] = process

    def snapshot(self) -> WindowSnapshot:
        """Return what is known now, from which the end of further requests can be computed."""
        return self._throttle.window.snapshot(self._now)

    def close(self) -> ArbiterState:
        """Copy what the step has changed into the state, and return it."""
        window = self._throttle.window
        self._state.pause, self._state.even = window.breaker.state, window.even
        self._state.throttle = self._throttle.spacing.state
        if self.changed:
            self._state.seen = self._now
        return self._state

    # -- inside -----------------------------------------------------------------------------------------

    @property
    def _in_flight(self) -> Mapping[str, SentRequest]:
        """The requests in flight of processes that may be there."""
        requests, orphans = self._state.requests, self._state.orphans
        if not orphans:
            return requests
        return {name: request for name, request in requests.items() if name not in orphans}

    def _restore(self) -> None:
        """Bring the throttle, with its window and its breaker, to where the state says it was."""
        state, window = self._state, self._throttle.window
        over = [name for name, until in state.orphans.items() if until <= self._now]
        window.restore(
            in_flight=(request.sent for request in self._in_flight.values()),
            released=sorted([*state.released, *(state.requests[name].expires for name in over)]),
            even=state.even,
            abandoned=(until for until in state.orphans.values() if until > self._now),
        )
        self._throttle.restore(state.pause, state.throttle)
        for name in over:
            window.space_after(state.orphans[name])

    def _after_others(self, request: SlotRequest, wait: Wait) -> Wait:
        """Return when a process may send if each that ranks before it sends one request first."""
        ahead = self.ahead(request.holder, request.lane)
        if not ahead or wait.until is None or wait.binding != "rate":
            return wait
        return Wait(max(wait.until, self._throttle.window.opens_after(ahead, self._now)), wait.binding)

    def _grant(self, request: SlotRequest) -> Slot:
        state, now = self._state, self._now
        slot = self._throttle.reserve(now)
        assert isinstance(slot, Slot)  # noqa: S101 - `reserve` has seen that it need not wait
        state.requests[request.name] = SentRequest(
            now, now + self._lease, slot.epoch, slot.probe, slot.previous_even
        )
        claim = Claim(request.holder, now + self._lease)
        for day in request.days:
            state.claims[day] = claim
        self._queue.serve(request)
        self.changed = True
        return slot

    def _remove(self, name: str) -> Slot | None:
        """Remove a request from those in flight; ``None`` if it does not count as one of them any more."""
        request = self._state.requests.pop(name, None)
        if request is None:
            return None
        self.changed = True
        if self._state.orphans.pop(name, None) is not None:  # its process was there, after all
            self._state.released.append(self._now)
            return None
        return _slot(request)


def _slot(request: SentRequest) -> Slot:
    return Slot(request.sent, request.epoch, request.previous_even, request.probe)
