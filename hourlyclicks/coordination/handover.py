"""How the limits of an account come from the shared state into the memory of a lease's holder, and back.

As long as the limits are in memory, the state in the store has a mark that says so, and no other process
sends: it makes itself known with a queue entry. The holder finds that when it saves its state, and
hands the limits back with all that it has in memory.

Pure: these are steps for `hourlyclicks.store.protocol.Store.pace`. Moments in the shared state are on the
clock of the store, those in memory on that of the process; each crossing takes them later than they can have
been, so that no window opens too early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.state import ArbiterState, SentRequest, holder_of
from hourlyclicks.pacing.throttle import AdaptiveThrottle

if TYPE_CHECKING:
    from collections.abc import Collection

    from hourlyclicks.coordination.state import LimitsHolder
    from hourlyclicks.pacing.breaker import BreakerState
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.throttle import ThrottleState


class LimiterState(NamedTuple):
    """The limits as one process knows them.

    Args:
        released: when the responses of the last requests came, in order.
        in_flight: when the requests in flight were sent.
        abandoned: until when abandoned requests may arrive.
        even: the moment from which on even spacing lets a request go.
        pause: the state of the circuit breaker.
        throttle: what the 429 answers so far have taught; ``None``: nothing.
        slowest: how long the slowest of the last responses took; 0: none has come.
    """

    released: list[int]
    in_flight: list[int]
    abandoned: list[int]
    even: int
    pause: BreakerState
    throttle: ThrottleState | None
    slowest: int

    def shifted(self, by: int) -> LimiterState:
        """Return the same on a clock that is ahead by so many nanoseconds."""
        return self._replace(
            released=[moment + by for moment in self.released],
            in_flight=[moment + by for moment in self.in_flight],
            abandoned=[moment + by for moment in self.abandoned],
            even=self.even + by,
            pause=self.pause._replace(until=self.pause.until + by),
        )

    def throttle_of(self, limits: Limits) -> AdaptiveThrottle:
        """Return a throttle that goes on from here."""
        throttle = AdaptiveThrottle(limits)
        throttle.window.restore(
            in_flight=self.in_flight, released=self.released, even=self.even, abandoned=self.abandoned
        )
        throttle.restore(self.pause, self.throttle)
        return throttle

    @classmethod
    def of(cls, throttle: AdaptiveThrottle, now: int, slowest: int) -> LimiterState:
        """Return what a throttle knows at a moment."""
        seen, pause = throttle.window.snapshot(now), throttle.window.breaker.state
        released = seen.log[max(0, seen.logged - seen.constraints.most) : seen.logged]
        return cls(
            released, seen.in_flight, seen.abandoned, seen.even, pause, throttle.spacing.state, slowest
        )


class Takeover(NamedTuple):
    """A process that takes the limits into its memory.

    Args:
        holder: the process, as the state will name it.
        ended: when the lease before it ended, on the clock of the store.
        name: the name by which it took part in the shared limit; empty: it did not.
        quiet: for how many nanoseconds no other process may have been served.
    """

    holder: LimitsHolder
    ended: int
    name: str = ""
    quiet: int = 0


def take_over(
    text: str | None, now: int, takeover: Takeover, limits: Limits, *, lease: int, gone: Collection[str]
) -> tuple[str | None, LimiterState | None]:
    """Take the limits into memory, unless other processes share them; ``None``: they do.

    Args:
        text: the stored state.
        now: the moment of the step.
        takeover: the process.
        limits: the limits.
        lease: how long a request can be in flight, in nanoseconds.
        gone: the processes that are known to have ended.
    """
    state = ArbiterState.read(text)
    arbiter = Arbiter(limits, state, now=now, lease=lease, gone=gone)
    if state.limits_holder is not None:  # its holder has ended, or this process has lost what it knew
        own = state.limits_holder.token == takeover.holder.token
        arbiter.expire_holder(now if own else takeover.ended, state.limits_holder)
    state = arbiter.close()
    if _is_shared(state, takeover, now, gone):
        return state.write() if arbiter.changed else None, None
    abandoned = sorted(request.expires for request in state.requests.values())
    memory = LimiterState(
        state.released, [], abandoned, state.even, state.pause, state.throttle, state.slowest
    )
    state.limits_holder, state.seen = takeover.holder, now
    state.queue, state.claims = {}, {}
    return state.write(), memory


def save(
    text: str | None, now: int, holder: LimitsHolder, memory: LimiterState, *, lease: int, keep: bool
) -> tuple[str | None, bool]:
    """Write the memory of the holder into the shared state; return whether other processes wait.

    Args:
        text: the stored state.
        now: the moment of the step.
        holder: the process that has the limits.
        memory: what it knows, on the clock of the store.
        lease: how long a request can be in flight, in nanoseconds.
        keep: whether the limits stay in memory; if not, all processes share them from now on.
    """
    state = ArbiterState.read(text)
    if state.limits_holder != holder:  # the step was taken before, and its result was lost on the way
        return None, False
    state.released = memory.released
    state.even, state.pause, state.throttle = memory.even, memory.pause, memory.throttle
    state.slowest, state.seen = memory.slowest, now
    state.queue = {name: entry for name, entry in state.queue.items() if entry.until > now}
    state.requests, state.orphans = {}, {}
    if not keep:
        state.limits_holder = None
        ends = [*[sent + lease for sent in memory.in_flight], *memory.abandoned]
        for number, expires in enumerate(ends):
            name = f"{holder.name}.{holder.token}-{now}-{number}"
            state.requests[name] = SentRequest(
                min(now, expires - lease), expires, state.pause.epoch, probe=False, previous_even=state.even
            )
        state.pause = state.pause._replace(probing=False)
    return state.write(), bool(state.queue)


def _is_shared(state: ArbiterState, takeover: Takeover, now: int, gone: Collection[str]) -> bool:
    """Return whether other processes take part in the limit, or what a killed one has sent may arrive."""
    here = {takeover.name, *gone}
    served = (moment for name, moment in state.served.items() if name not in here)
    return (
        any(name not in here for name in state.queue)
        or any(claim.holder not in here for claim in state.claims.values())
        or any(holder_of(name) != takeover.name or name in state.orphans for name in state.requests)
        or any(0 <= now - moment < takeover.quiet for moment in served)
    )
