"""The worker of the documentation, as a process that gets signals."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from hourlyclicks.simulator import Hang, Rule, Script, Simulator
from tests.examples.project import LATENCY, PATIENCE, kept, of, posix, until

if TYPE_CHECKING:
    from tests.examples.project import Project


@posix
@of("worker")
def test_a_worker_ends_when_it_is_told_to(project: Project) -> None:
    """After SIGTERM it exits with 0 and has stored every answer; the next start requests no day again."""
    with Simulator.in_thread(latency=LATENCY) as server:
        with project.process(server, "worker.py") as process:
            until(lambda: server.counters.requests >= 5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        before = server.counters.statuses[200]
        assert kept(project) == before >= 5
        with project.process(server, "worker.py") as process:
            until(lambda: server.counters.requests >= before + 5)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        assert kept(project) == server.counters.statuses[200]
        assert set(server.counters.asked.values()) == {1}


@posix
@of("worker")
def test_a_second_signal_ends_a_worker_at_once(project: Project) -> None:
    """While the first one waits for a request that is not answered."""
    with Simulator.in_thread(faults=Script(Rule(Hang()))) as server:
        with project.process(server, "worker.py") as process:
            until(lambda: server.counters.requests == 1)
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            assert "SIGTERM: finishing" in process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == -signal.SIGTERM
        assert server.counters.requests == 1
