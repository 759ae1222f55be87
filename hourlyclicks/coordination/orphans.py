"""What remains of a process that has ended without releasing anything, as after ``kill -9``.

That a process has ended is only known on its own machine (`hourlyclicks.coordination.processes`). Its queue
entry and its claims end at once: it requests nothing any more, and stores nothing. Its requests in flight are
*orphans*. No response will tell when they are over, and three things have to be kept apart:

*Arrivals.* What the process had written to a socket may still reach the server. So an orphan keeps its slot
in the windows like any request, until its lease expires and a window after that. That costs a slot of a
window, and hardly ever a wait.

*Concurrency.* The server may still work on it, although the connection is closed. It does so for about as
long as on other requests: an orphan counts as in flight for twice the slowest of the last responses and
`ROOM`, from the last moment at which it can have been sent. If no response has come yet, nothing is known of
that, and it counts as long as its lease lasts. So does a request that had timed out before.

*Probes.* The verdict of a probe is lost, so that the next request becomes the probe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.state import holder_of
from hourlyclicks.events import waits_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from hourlyclicks.coordination.state import ArbiterState, SentRequest

SEND_WITHIN = 5 * SECOND
"""Nanoseconds after which a slot that was granted is not used any more."""

ROOM = SECOND
"""Nanoseconds for which an orphan counts as in flight, besides the time of its response."""

_SLOWER = 2
"""By how many times a response may be slower than those before."""

_FADING = 64
"""A slow response is forgotten by this part with each further one."""

_NOTICED = 2 * SECOND
"""Nanoseconds from which requests of another process are worth mentioning when a process waits for them."""


class HeldSlots(NamedTuple):
    """Requests of other processes that a process waits for.

    Args:
        requests: how many there are.
        until: when the first of them counts as over at the latest.
        killed: whether their process is known to have ended.
    """

    requests: int
    until: int
    killed: bool

    @property
    def why(self) -> str:
        """Why the process waits, in words."""
        return waits_for(self.requests, killed=self.killed)


def response_time(slowest: int, taken: int) -> int:
    """Return the slowest of the last responses, with one that took so many nanoseconds."""
    return max(taken, slowest - slowest // _FADING)


def disown(state: ArbiterState, gone: Collection[str], now: int, lease: int) -> bool:
    """Take from processes that have ended what they need no more; return whether there was anything.

    Args:
        state: the state; changed in place.
        gone: the processes.
        now: the present moment.
        lease: how long a request can be in flight.
    """
    if not gone:
        return False
    before = len(state.claims) + len(state.queue) - len(state.orphans)
    state.claims = {day: claim for day, claim in state.claims.items() if claim.holder not in gone}
    state.queue = {name: entry for name, entry in state.queue.items() if name not in gone}
    for name, request in state.requests.items():
        if holder_of(name) in gone and name not in state.orphans:
            state.orphans[name] = in_service(request, now, lease, state.slowest)
            if request.probe and request.epoch == state.pause.epoch:
                state.pause = state.pause._replace(probing=False)
    return len(state.claims) + len(state.queue) - len(state.orphans) != before


def held_slots(state: ArbiterState, holder: str, now: int) -> HeldSlots | None:
    """Return the requests of other processes that a process waits for, if it is worth mentioning."""
    entry = state.queue.get(holder)
    if entry is None:
        return None
    held = [until for until in state.orphans.values() if until > now]
    if entry.asks in held:
        return HeldSlots(len(held), entry.asks, killed=True)
    others = [request for name, request in state.requests.items() if name not in state.orphans]
    if entry.asks > now or not others or any(now - request.sent < _NOTICED for request in others):
        return None  # it waits for a moment, or responses come
    if any(holder_of(name) == holder for name in state.requests):
        return None
    return HeldSlots(len(others), min(request.expires for request in others), killed=False)


def in_service(request: SentRequest, now: int, lease: int, slowest: int) -> int:
    """Return until when the server may work on a request whose response no process waits for.

    Args:
        request: the request.
        now: the present moment.
        lease: how long a request can be in flight.
        slowest: how long the slowest of the last responses took; 0: none has come.
    """
    timed_out = request.expires > request.sent + lease
    if timed_out or not slowest:
        return request.expires
    return min(request.expires, min(now, request.sent + SEND_WITHIN) + _SLOWER * slowest + ROOM)
