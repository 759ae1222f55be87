"""What is known of limits whose holder has lost its lease: the worst that it can have done.

The process had saved its state some seconds before. Since then it may have sent as much as the limits
allow, up to the moment at which its lease ended:

*Windows.* Each counts as full, with responses at that moment.

*Concurrency.* As many requests as it allows may be in flight. They are treated as those of a process that was
killed, see `hourlyclicks.coordination.orphans`.

*Spacing.* The last request may have been sent at that moment.

*429 answers.* What was saved last counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.coordination.orphans import in_service
from hourlyclicks.coordination.state import SentRequest

if TYPE_CHECKING:
    from hourlyclicks.coordination.state import ArbiterState
    from hourlyclicks.pacing.plans import Limits


def assume_worst(
    state: ArbiterState, limits: Limits, *, ended: int, now: int, lease: int, interval: int
) -> None:
    """Let a state hold the worst that the holder of the limits can have done, and no holder.

    Args:
        state: the state; changed in place.
        limits: the limits.
        ended: when the holder's lease ended; it has sent nothing afterwards.
        now: the present moment.
        lease: how long a request can be in flight.
        interval: the least nanoseconds between two requests.
    """
    holder, state.limits_holder = state.limits_holder, None
    if holder is None:
        return
    ended = min(ended, now)
    most = max((rate.requests for rate in limits.rates), default=0)
    state.released = sorted([*state.released, *[ended] * most])
    for number in range(limits.concurrency):
        name = f"{holder.name}.{holder.token}-{number}"
        request = SentRequest(ended, ended + lease, state.pause.epoch, probe=False, previous_even=state.even)
        state.requests[name] = request
        state.orphans[name] = in_service(request, now, lease, state.slowest)
    state.even = max(state.even, ended + interval)
    state.pause = state.pause._replace(probing=False)
