"""The runs in the shared state: what each of them has last reported, and whether it is asked to stop.

A run reports itself with the steps that its process takes anyway (a heartbeat), so that this costs no
transaction. A run without a heartbeat for `RUN_LEASE` is considered dead. At most `MOST_RUNS` are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.state import RunEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.coordination.state import ArbiterState

RUN_LEASE = 300 * SECOND
"""Nanoseconds for which a run without a heartbeat is still considered to be running."""

MOST_RUNS = 100
"""Runs of one account; of more, those that reported last are kept."""


class Heartbeat(NamedTuple):
    """What a run reports; durations are nanoseconds from the moment of the step.

    Args:
        host: the name of its machine.
        pid: its process id.
        name: the name it was given; empty: none.
        age: how long it has been running.
        requests: how many requests it still has to send, if none has to be repeated.
        left: how long it will still run.
        pause: for how long its own circuit breaker lets nothing go; 0: it does not.
    """

    host: str
    pid: int
    name: str
    age: int
    requests: int
    left: int
    pause: int


def write_heartbeats(state: ArbiterState, heartbeats: Mapping[str, Heartbeat], now: int) -> None:
    """Write what runs report into a state, by the keys of the runs; a request to stop is kept."""
    for key, beat in heartbeats.items():
        before = state.runs.pop(key, None)
        state.runs[key] = RunEntry(
            beat.host,
            beat.pid,
            beat.name,
            now - beat.age if before is None else before.began,
            now,
            beat.requests,
            now + beat.left,
            now + beat.pause if beat.pause else 0,
            before is not None and before.stop,
        )
    for key in list(state.runs)[:-MOST_RUNS]:  # those that were written first are the oldest
        del state.runs[key]


def living_runs(state: ArbiterState, now: int) -> dict[str, RunEntry]:
    """Return the runs that have reported recently; after a restart of the clock, none of those before."""
    return {key: run for key, run in state.runs.items() if 0 <= now - run.seen < RUN_LEASE}


def ask_to_stop(state: ArbiterState, now: int, name: str | None) -> dict[str, RunEntry]:
    """Ask the living runs to stop, all or those of one name; return them."""
    asked = {
        key: run._replace(stop=True)
        for key, run in living_runs(state, now).items()
        if name is None or run.name == name
    }
    state.runs.update(asked)
    return asked
