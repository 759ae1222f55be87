"""The turnstile: one pace for all processes with one key. Pure, like the regulator it is built around.

Each step reads the book, does one thing, and writes the book again, while nobody else can. So what holds for
one process holds for all of them together: never N+1 arrivals in a window, the cap on requests under way,
one pause for everybody and one probe after it. A process that is started anew finds the log of its
predecessor and sends nothing too early.

*Leases.* A process can die with a request under way. Its place is held until the request must be over, by
the time limit on a request; from then on it counts as if its response had come. A request that was given up
and may arrive yet is left to its lease in the same way.

*Turns.* Whoever asks and has to wait stands in line. A process that may go yields to one that stands in line,
whose time to ask has come, and that has a more urgent call or, being as urgent, was served longer ago. One
that does not come for its turn is believed dead after `GRACE`.

*Claims.* Who is given a place for a day is the only one to ask for it, as long as the lease lasts.

*Clocks.* The moments in the book may come from a clock that was put back: the machine was started anew, or
the database moved to another. Then every moment that lies further ahead than it can is brought back, so that
the worst that can happen is to wait for a window. After an idle `FORGET` the brake begins anew.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.state import BreakerState, Claim, QueueEntry, SentRequest
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.throttle import LONGEST_WAIT, AdaptiveThrottle
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from hourlyclicks.coordination.state import ArbiterState
    from hourlyclicks.events import Binding
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.throttle import Refusal
    from hourlyclicks.pacing.window import Moment

TURN = SECOND // 50
"""How soon to ask again when nobody can know when it will be possible."""

GRACE = SECOND
"""How much later than it was told a process may come for its turn."""

FORGET = 3600 * SECOND
"""After so long without a request, what refusals had taught is forgotten."""

_LONGEST_PAUSE = round(LONGEST_WAIT * 1.25 * SECOND)
_NOT_YOUR_TURN: Binding = "rate"


class SlotRequest(NamedTuple):
    """Who asks for a place.

    Args:
        holder: the process.
        number: how many places it has asked for so far.
        lane: how urgent it is.
        waiting: how many of its requests wait, this one included.
        unsent: how many requests its calls of that lane still need.
        job: what these calls work on.
        what: the day it is for.
    """

    holder: str
    number: int
    lane: int
    waiting: int
    unsent: int
    job: str
    what: str

    @property
    def name(self) -> str:
        """The name of the place, if it is given one."""
        return f"{self.holder}.{self.number}"


class Taken(NamedTuple):
    """Somebody else asks for that day at present."""


class Arbiter:
    """One step of the shared pace.

    Args:
        limits: the limits to keep.
        book: the shared state; changed in place.
        now: the moment of the step.
        lease: how long a request can be under way, in nanoseconds.
    """

    def __init__(self, limits: Limits, state: ArbiterState, *, now: int, lease: int) -> None:
        self._state = state
        self._now = now
        self._lease = lease
        self._throttle = AdaptiveThrottle(limits)
        self.changed = now < state.seen
        self._bring_back()
        expired = self._expire()
        self._recall()
        for moment in expired:
            self._throttle.window.came_back(moment)

    def reserve(self, who: SlotRequest) -> Slot | Wait | Taken:
        """Take a place for a day, or say what to wait for; who has to wait stands in line.

        Who asks again because the answer was lost on the way gets the same place.
        """
        given = self._state.requests.get(who.name)
        if given is not None:
            return _slot(who.name, given)
        claim = self._state.claims.get(who.what)
        if claim is not None and claim.holder != who.holder:
            return Taken()
        held = self._throttle.window.holds(self._now)
        if held is None and not self._is_next(who):
            held = Wait(self._now + TURN, _NOT_YOUR_TURN)
        if held is None:
            return self._let_in(who)
        self._line_up(who, held)
        return held

    def release(self, name: str, *, answered: bool) -> None:
        """Note that the response of a request has come, or that nobody waits for it any more."""
        slot = self._landed(name)
        if slot is None:
            return
        if answered:
            self._throttle.answered(slot)
        self._throttle.window.release(slot, self._now)
        self._state.released.append(self._now)

    def abandon(self, name: str, longest: int) -> None:
        """Hold the slot of an abandoned request for so long from now on; see `SlidingWindow.abandon`."""
        flight = self._state.requests.get(name)
        if flight is None:
            return
        self.changed = True
        if flight.probe and flight.epoch == self._throttle.window.pause.epoch:
            self._throttle.window.pause.probe_lost()
        self._state.requests[name] = flight._replace(expires=self._now + longest, probe=False)

    def cancel(self, name: str, what: str) -> None:
        """Take back a place whose request was never sent."""
        slot = self._landed(name)
        if slot is not None:
            self._throttle.window.cancel(slot)
            self.settle(what, name.partition(".")[0])

    def refused(self, name: str, retry_after: float | None, *, u: float, for_rate: bool) -> Refusal | None:
        """Begin a pause for everybody; see `AdaptiveThrottle.refused`."""
        flight = self._state.requests.get(name)
        if flight is None:
            return None
        self.changed = True
        return self._throttle.refused(_slot(name, flight), retry_after, now=self._now, u=u, for_rate=for_rate)

    def settle(self, what: str, holder: str) -> None:
        """Give up the claim to a day, if it is that process's."""
        claim = self._state.claims.get(what)
        if claim is not None and claim.holder == holder:
            del self._state.claims[what]
            self.changed = True

    def leave(self, holder: str) -> None:
        """Step out of the line."""
        self.changed |= self._state.queue.pop(holder, None) is not None

    def finish(self, requests: int, latency: int, *, opens: int) -> Moment:
        """Foresee when that many further requests will have been answered; see `SlidingWindow.finish`."""
        return self._throttle.window.finish(requests, self._now, latency, opens=opens)

    def close(self) -> ArbiterState:
        """Write down what the step has changed, and return the book."""
        window, spacing, pause = self._throttle.window, self._throttle.spacing, self._throttle.window.pause
        self._state.pause = BreakerState(pause.epoch, pause.until, pause.held, pause.probing)
        self._state.throttle, self._state.even = spacing.memory, window.even
        if self.changed:
            self._state.seen = self._now
        return self._state

    # -- inside -----------------------------------------------------------------------------------------

    def _bring_back(self) -> None:
        """Let no moment lie further ahead than it can."""
        state, now = self._state, self._now
        if not 0 <= now - state.seen < max(FORGET, state.longest):
            state.throttle, state.longest = None, 0
        if now >= state.seen:
            return
        latest = now + self._lease
        state.released = [min(moment, now) for moment in state.released]
        state.requests = {
            name: flight._replace(
                sent=min(flight.sent, now),
                expires=min(flight.expires, latest),
                previous_even=min(flight.previous_even, now),
            )
            for name, flight in state.requests.items()
        }
        state.claims = {
            what: claim._replace(expires=min(claim.expires, latest)) for what, claim in state.claims.items()
        }
        state.queue, state.served = {}, {}
        state.pause = state.pause._replace(until=min(state.pause.until, now + _LONGEST_PAUSE))
        state.even = min(state.even, now)

    def _expire(self) -> list[int]:
        """Take note of what the passing of time has changed; return when requests were over at the latest."""
        state, now, over = self._state, self._now, []
        for name, flight in list(state.requests.items()):
            if flight.expires <= now:
                del state.requests[name]
                insort(state.released, flight.expires)
                over.append(flight.expires)
                if flight.probe and flight.epoch == state.pause.epoch:
                    state.pause = state.pause._replace(probing=False)
        state.longest = max(state.longest, self._throttle.window.longest)
        oldest = now - state.longest
        state.released = [moment for moment in state.released if moment > oldest]
        state.claims = {what: claim for what, claim in state.claims.items() if claim.expires > now}
        state.queue = {name: line for name, line in state.queue.items() if line.until > now}
        return over

    def _recall(self) -> None:
        """Bring the regulator to where the book says it was."""
        state, window, spacing = self._state, self._throttle.window, self._throttle.spacing
        window.restore(
            in_flight=(request.sent for request in state.requests.values()),
            released=state.released,
            even=state.even,
        )
        pause = window.pause
        pause.epoch, pause.until, pause.held, pause.probing = state.pause
        if state.throttle is not None:
            spacing.recall(state.throttle)
        step = spacing.step
        if step is not None:
            window.space(step.slack, from_response=step.from_response)

    def _is_next(self, who: SlotRequest) -> bool:
        """Return whether nobody who could go now has a better claim to the place."""
        mine = self._rank(who.holder, who.lane)
        return not any(
            line.asks <= self._now and self._rank(holder, line.lane) < mine
            for holder, line in self._state.queue.items()
            if holder != who.holder
        )

    def _rank(self, holder: str, lane: int) -> tuple[int, int, str]:
        return lane, self._state.served.get(holder, 0), holder

    def _let_in(self, who: SlotRequest) -> Slot:
        state, now = self._state, self._now
        slot = self._throttle.reserve(now)
        assert isinstance(slot, Slot)  # noqa: S101 - nothing holds it, as `reserve` has seen
        slot.id = who.name
        state.requests[slot.id] = SentRequest(
            now, now + self._lease, slot.epoch, slot.probe, slot.previous_even
        )
        state.claims[who.what] = Claim(who.holder, now + self._lease)
        state.served = {name: moment for name, moment in state.served.items() if moment > now - FORGET}
        state.served[who.holder] = now
        state.queue.pop(who.holder, None)
        if who.waiting > 1:
            state.queue[who.holder] = QueueEntry(
                who.lane, max(0, who.unsent - 1), who.job, now, now + 2 * GRACE
            )
        self.changed = True
        return slot

    def _line_up(self, who: SlotRequest, held: Wait) -> None:
        """Stand in line, or stay in it; written down only as often as it must be."""
        asks = self._now if held.until is None or held.until <= self._now + TURN else held.until
        line = self._state.queue.get(who.holder)
        if line is not None and line.lane == who.lane:
            polling = asks == self._now and line.asks <= self._now and line.until > self._now + GRACE
            if polling or line.asks == asks:
                return
        self._state.queue[who.holder] = QueueEntry(who.lane, who.unsent, who.job, asks, asks + 2 * GRACE)
        self.changed = True

    def _landed(self, name: str) -> Slot | None:
        """Take a request off the list of those under way; ``None`` if its lease had ended before."""
        flight = self._state.requests.pop(name, None)
        if flight is None:
            return None
        self.changed = True
        return _slot(name, flight)


def _slot(name: str, flight: SentRequest) -> Slot:
    slot = Slot(flight.sent, flight.epoch, flight.previous_even, flight.probe)
    slot.id = name
    return slot
