"""Processes that hold the lease of an account, and are stopped for longer than it lasts, or killed.

``HOURLYCLICKS_STOPS`` says how often, for more than a look.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from tests.processes.fleet import fleet, until, wait_for
from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.fleet import Fleet, Worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are stopped by signals")

REQUESTS, WINDOW, CONCURRENCY = 10, 0.4, 2
LIFE = 0.6
STOPS = int(os.environ.get("HOURLYCLICKS_STOPS", sized("1", "5")))
"""Of each kind of store."""
LINK = Link("kYdr", "https://vvd.bz")
MOST_DAYS = 3_000
LONGEST_WORK = 1.5
LONGEST_STOP = 5.0
"""Seconds; a holder that is stopped within a transaction of SQLite keeps the file locked."""


def holding(here: Fleet) -> Worker:
    """Start a process that works as soon as it has the lease."""
    worker = here.start(LINK)
    worker.go()
    return worker


def has_done(worker: Worker, days: int) -> bool:
    """Return whether a process has fetched so many days."""
    return len(worker.days) >= days


@pytest.mark.parametrize("store", sized(["postgres"], ["sqlite", "postgres"]), indirect=True)
def test_a_holder_that_was_stopped_for_longer_than_its_lease(store: str, tmp_path: Path) -> None:
    """It sends nothing over the limit, stores nothing, and its run ends with the error that says so."""
    draw, stops = random.Random(7), 0
    with fleet(
        tmp_path,
        store,
        days=MOST_DAYS,
        requests=REQUESTS,
        window=WINDOW,
        concurrency=CONCURRENCY,
        lease=LIFE,
        total=0.5,
        margin=0.2,
    ) as here:
        workers = holding(here), holding(here)
        while stops < STOPS:
            until(lambda: sum(map(holds, workers)) == 1)
            holder, other = workers if holds(workers[0]) else workers[::-1]
            if not wait_for(partial(has_done, holder, len(holder.days) + 2), LONGEST_STOP):
                continue
            time.sleep(draw.random() * LONGEST_WORK)  # it is stopped at any moment of its work
            if not holds(holder):  # it was slow to notice that the other one has taken the lease
                continue
            done = len(other.days)
            holder.send(signal.SIGSTOP)
            overtaken = wait_for(partial(has_done, other, done + 1), LONGEST_STOP)
            before, stored = holder.days, here.stored(LINK)
            holder.send(signal.SIGCONT)
            if overtaken:
                until(partial(has_ended, holder))
                assert holder.days - before <= stored
                stops += 1
        here.check_limits()
        assert here.upstream.max_in_window(WINDOW) <= REQUESTS
        here.check_kept(workers[0].days | workers[1].days)


@pytest.mark.parametrize("store", sized(["sqlite"], ["sqlite", "postgres"]), indirect=True)
def test_a_holder_that_is_killed(store: str, tmp_path: Path) -> None:
    """Another process has the account at once, and repeats no more than two requests and the concurrency."""
    with fleet(
        tmp_path,
        store,
        days=sized(30, 60),
        requests=REQUESTS,
        window=WINDOW,
        concurrency=CONCURRENCY,
        lease=600.0,
        total=0.5,
        margin=0.2,
    ) as here:
        holder = holding(here)
        until(partial(has_done, holder, 15))
        following = here.start(LINK)
        following.get_ready()
        holder.kill()
        following.go()
        assert following.wait() == 0
        assert following.report["complete"]
        here.check_limits()
        assert here.upstream.max_in_window(WINDOW) <= REQUESTS
        assert here.upstream.counters.requests <= len(here.days) + CONCURRENCY + 2
        here.check_exact(LINK)


def holds(worker: Worker) -> bool:
    """Return whether a process works within the lease, as far as it knows."""
    return len(worker.lines("held")) > len(worker.lines("lost"))


def has_ended(worker: Worker) -> bool:
    """Return whether the run of a process within the lease has ended."""
    return not holds(worker)
