"""Let several processes share one key through one store.

``HOURLYCLICKS_WINDOWS`` says for how many windows each run goes on, and ``HOURLYCLICKS_WINDOW`` how many
seconds a window has, for more than a look; ``--log-cli-level=info`` shows the figures.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from hourlyclicks import Link
from tests.processes.fleet import fleet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.processes.fleet import Fleet, Worker

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the processes heed SIGTERM")

_log = logging.getLogger(__name__)

PROCESSES = 4
WINDOWS = int(os.environ.get("HOURLYCLICKS_WINDOWS", "4"))
WINDOW = float(os.environ.get("HOURLYCLICKS_WINDOW", "1.4"))
REQUESTS = 40
CONCURRENCY = 3
LINKS = tuple(Link(f"link{number}", "https://vvd.bz") for number in range(PROCESSES))
SLOWER = 1.25
"""So much longer may four take than one, on a busy machine and with windows that are short."""
UNFAIR = 0.5
"""So much may shares differ there, of their mean; with windows of a minute it was 2.5 % at most."""


class Race(NamedTuple):
    """What came of processes that began together.

    Args:
        seconds: from the first day that was done to the last.
        shares: how many days each had done when the first of them had no more of its own to do.
    """

    seconds: float
    shares: tuple[int, ...]

    @property
    def unfairness(self) -> float:
        """The greatest difference of two shares, relative to their mean."""
        return (max(self.shares) - min(self.shares)) * len(self.shares) / sum(self.shares)


def race(workers: Sequence[Worker]) -> Race:
    """Let processes begin together, and wait for all of them."""
    for worker in workers:
        worker.get_ready()
    for worker in workers:
        worker.go()
    assert [worker.wait() for worker in workers] == [0] * len(workers)
    moments = [[line[1] for line in worker.lines("day")] for worker in workers]
    first_end = min(max(times) for times in moments)
    seconds = (max(map(max, moments)) - min(map(min, moments))) / 1e9
    return Race(seconds, tuple(sum(moment <= first_end for moment in times) for times in moments))


def alone(here: Fleet) -> Race:
    """Let one process do all."""
    return race([here.start(*LINKS)])


def with_links_of_their_own(here: Fleet) -> Race:
    """Let each process do the days of one link."""
    return race([here.start(link) for link in LINKS])


def with_the_same_job(here: Fleet) -> Race:
    """Let every process do the days of all links."""
    workers = [here.start(*LINKS) for _ in range(PROCESSES)]
    result = race(workers)
    reports = [worker.report for worker in workers]
    assert all(report["complete"] for report in reports)
    assert sum(report["done"] for report in reports) == len(here.days) * PROCESSES
    return result._replace(shares=tuple(report["done"] for report in reports))


def test_four_processes_are_as_fast_as_one(store: str, tmp_path: Path) -> None:
    """Four keep the limits as one does, lose no time, share alike, and ask for each day once between them."""
    days = REQUESTS * WINDOWS // PROCESSES
    races = {}
    for run in (alone, with_links_of_their_own, with_the_same_job):
        folder = tmp_path / run.__name__
        folder.mkdir()
        place = f"{store}.{run.__name__}" if "://" not in store else store
        with fleet(
            folder,
            place,
            days=days,
            requests=REQUESTS,
            window=WINDOW,
            concurrency=CONCURRENCY,
            account=run.__name__,
        ) as here:
            races[run] = run(here)
            here.check_limits()
            assert here.upstream.max_in_window(WINDOW) <= REQUESTS
            assert set(here.upstream.counters.asked.values()) == {1}
            assert len(here.upstream.counters.asked) == days * PROCESSES
            here.check_exact(*LINKS)
    for run, each in races.items():
        _log.info("%s: %.3f s, shares %s", run.__name__, each.seconds, each.shares)
    for run in (with_links_of_their_own, with_the_same_job):
        assert races[run].seconds <= races[alone].seconds * SLOWER
        assert races[run].unfairness <= UNFAIR
