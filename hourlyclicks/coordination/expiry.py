"""What the passing of time does to the shared state: leases and queue entries expire, clocks are corrected.

*Leases.* A process can die with a request in flight. Its slot is held until its lease expires, which is when
the request must be over because of its timeout. From then on it counts as if its response had come at that
moment. The slot of an abandoned request that may still arrive is held by its lease in the same way. If it is
known that the process has ended, `hourlyclicks.coordination.orphans` lets the others wait less.

*Clocks.* The moments in the state may come from a clock that was set back: the machine was restarted, or the
database moved to another one. Then every moment that lies further ahead than it can is corrected, so that the
worst consequence is to wait for a window. After an idle `FORGET_AFTER` the throttle starts anew.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.heartbeat import living_runs
from hourlyclicks.pacing.throttle import LONGEST_WAIT

if TYPE_CHECKING:
    from hourlyclicks.coordination.state import ArbiterState

FORGET_AFTER = 3600 * SECOND
"""Nanoseconds without a request after which what earlier 429 answers had taught is forgotten."""

_LONGEST_PAUSE = round(LONGEST_WAIT * 1.25 * SECOND)


def correct_clock(state: ArbiterState, now: int, lease: int) -> None:
    """Let no moment of a state lie further ahead than it can; a request is in flight for a lease at most."""
    # Also when the clock went back: how long ago the 429 answers came cannot be known then.
    if not 0 <= now - state.seen < max(FORGET_AFTER, state.longest):
        state.throttle, state.longest, state.slowest = None, 0, 0
    if now >= state.seen:
        return
    latest = now + lease
    state.released = [min(moment, now) for moment in state.released]
    state.requests = {
        name: request._replace(
            sent=min(request.sent, now),
            expires=min(request.expires, latest),
            previous_even=min(request.previous_even, now),
        )
        for name, request in state.requests.items()
    }
    state.claims = {
        day: claim._replace(expires=min(claim.expires, latest)) for day, claim in state.claims.items()
    }
    state.orphans = {name: min(moment, latest) for name, moment in state.orphans.items()}
    state.queue, state.served, state.runs = {}, {}, {}
    state.pause = state.pause._replace(until=min(state.pause.until, now + _LONGEST_PAUSE))
    state.even = min(state.even, now)


def expire(state: ArbiterState, now: int, window: int) -> list[int]:
    """Drop what has expired; return when the leases of requests ran out.

    A request whose lease has run out goes to `released` with the moment at which it did, not with the
    present one: the window then counts it exactly as if its response had come at that moment. If it was
    the probe, its verdict is lost, so that the next request becomes the probe.

    Args:
        state: the state; changed in place.
        now: the present moment.
        window: the length of the longest window that this process keeps.
    """
    expired = []
    for name, request in list(state.requests.items()):
        if request.expires <= now:
            del state.requests[name]
            insort(state.released, request.expires)
            if name not in state.orphans:
                expired.append(request.expires)
            if request.probe and request.epoch == state.pause.epoch:
                state.pause = state.pause._replace(probing=False)
    state.orphans = {name: until for name, until in state.orphans.items() if name in state.requests}
    state.longest = max(state.longest, window)
    oldest = now - state.longest
    state.released = [moment for moment in state.released if moment > oldest]
    state.claims = {day: claim for day, claim in state.claims.items() if claim.expires > now}
    state.queue = {name: entry for name, entry in state.queue.items() if entry.until > now}
    state.runs = living_runs(state, now)
    return expired
