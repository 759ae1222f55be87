"""Heartbeats of runs in the shared state."""

from __future__ import annotations

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.heartbeat import (
    MOST_RUNS,
    RUN_LEASE,
    Heartbeat,
    ask_to_stop,
    living_runs,
    write_heartbeats,
)
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.pacing.plans import Limits

NOW = 1000 * SECOND
BEAT = Heartbeat("db1", 4711, "nightly", age=5, requests=30, left=7, pause=0)


def test_a_heartbeat_says_when_a_run_began_and_will_end() -> None:
    """On the clock of the store; a later one changes the end, and not the beginning."""
    state = ArbiterState()
    write_heartbeats(state, {"a.1": BEAT}, NOW)
    write_heartbeats(state, {"a.1": BEAT._replace(age=99, left=3, pause=2)}, NOW + 10)
    run = state.runs["a.1"]
    assert (run.began, run.seen, run.ends, run.opens) == (NOW - 5, NOW + 10, NOW + 13, NOW + 12)


def test_a_request_to_stop_is_kept_until_the_run_ends() -> None:
    """The next heartbeat does not revoke it, and the end of the run does."""
    state = ArbiterState()
    write_heartbeats(state, {"a.1": BEAT, "b.1": BEAT._replace(name="")}, NOW)
    assert list(ask_to_stop(state, NOW, "nightly")) == ["a.1"]
    write_heartbeats(state, {"a.1": BEAT, "b.1": BEAT}, NOW + 1)
    assert [run.stop for run in state.runs.values()] == [True, False]
    arbiter = Arbiter(Limits(), state, now=NOW + 2, lease=40)
    arbiter.end_run("a.1")
    assert arbiter.changed
    assert list(arbiter.close().runs) == ["b.1"]


def test_the_runs_of_killed_processes_disappear() -> None:
    """After the lease, or at once when the clock was set back, as at a restart of the machine."""
    state = ArbiterState(seen=NOW)
    write_heartbeats(state, {"a.1": BEAT}, NOW)
    assert living_runs(state, NOW + RUN_LEASE - 1) == state.runs
    assert living_runs(state, NOW + RUN_LEASE) == living_runs(state, NOW - 1) == {}
    assert ask_to_stop(state, NOW + RUN_LEASE, None) == {}
    assert Arbiter(Limits(), state.copy(), now=NOW + RUN_LEASE, lease=40).close().runs == {}
    assert Arbiter(Limits(), state.copy(), now=NOW - 1, lease=40).close().runs == {}


def test_the_number_of_runs_is_bounded() -> None:
    """Those that reported last are kept, however long ago they began."""
    state = ArbiterState()
    for number in range(MOST_RUNS):
        write_heartbeats(state, {str(number): BEAT}, NOW + number)
    write_heartbeats(state, {"0": BEAT}, NOW + MOST_RUNS)
    write_heartbeats(state, {"new": BEAT}, NOW + MOST_RUNS)
    assert len(state.runs) == MOST_RUNS
    assert "1" not in state.runs
    assert {"0", "2", "new"} <= set(state.runs)
