"""Processes that run tests together run each test once, and what belongs together in one of them."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from xdist.remote import Producer

from tests.distribution import SHARED, Distribution, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = [
    *(f"tests/store/test_days.py::test_it[{database}-{number}]" for number in range(9) for database in "ab"),
    *(f"tests/store/test_days.py::test_it[postgres-{number}]" for number in range(5)),
    *(
        f"tests/{room}/test_in_chromium.py::test_{number}"
        for room in ("site", "render/page")
        for number in range(3)
    ),
    *(f"docs/how-to/{page}.md::line:{line},column:1" for page in ("plots", "scans") for line in range(4)),
]


class Worker:
    """A process that runs tests, as far as xdist speaks to it."""

    gateway = SimpleNamespace(id="gw")

    def __init__(self) -> None:
        self.shutting_down = False
        self.todo: deque[int] = deque()

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Take some more tests."""
        self.todo.extend(indices)

    def shutdown(self) -> None:
        """Take no more tests."""
        self.shutting_down = True


@given(data=st.data())
def test_each_test_is_run_once(data: st.DataObject) -> None:
    """However quick each process is, it is told all it needs, and what it has done is forgotten."""
    workers = [Worker() for _ in range(data.draw(st.integers(1, 3)))]
    options = SimpleNamespace(loadscopereorder=True)
    config = SimpleNamespace(getvalue=lambda _: len(workers) * ["popen"], option=options)
    distribution = Distribution(config, Producer("quiet", enabled=False))
    for worker in workers:
        distribution.add_node(worker)
        distribution.add_node_collection(worker, TESTS)
    distribution.schedule()
    done: dict[str, Worker] = {}
    while busy := [worker for worker in workers if worker.todo]:
        worker = data.draw(st.sampled_from(busy))
        number = worker.todo.popleft()
        assert TESTS[number] not in done
        done[TESTS[number]] = worker
        distribution.mark_test_complete(worker, number)
        assert all(False in unit.values() for unit in distribution.assigned_work[worker].values())
    assert done.keys() == set(TESTS)
    assert not distribution.has_pending
    for together in (*SHARED, "plots.md", "scans.md"):
        assert len({id(worker) for test, worker in done.items() if together in test}) <= 1


@given(st.lists(st.integers(0, 9), max_size=20), st.lists(st.integers(10, 99), max_size=200))
def test_what_waits_is_spread(some: list[int], others: list[int]) -> None:
    """All of both come in their order, and with enough others no two of the few are neighbours."""
    mixed = spread(some, others)
    assert [each for each in mixed if each < 10] == some
    assert [each for each in mixed if each >= 10] == others
    if len(others) >= 2 * len(some):
        assert not any(max(pair) < 10 for pair in pairwise(mixed))
