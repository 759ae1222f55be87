"""Processes that hold the lease of an account, and are stopped for longer than it lasts, or killed."""

from __future__ import annotations

import asyncio
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
    from tests.store.server import PostgresServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are stopped by signals")

REQUESTS, WINDOW, CONCURRENCY = 10, 0.4, 2
LIFE = 0.6
STOPS = sized(1, 25)
"""Of each kind of store."""
LINK = Link("kYdr", "https://vvd.bz")
MOST_DAYS = 3_000
LONGEST_STOP = 5.0
"""Seconds; a holder that is stopped within a transaction of SQLite keeps the file locked."""


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a new store."""
    if request.param == "sqlite":
        return str(tmp_path / "clicks.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return asyncio.run(server.new_database())


def holding(here: Fleet) -> Worker:
    """Start a process that works as soon as it has the lease."""
    worker = here.start(LINK)
    worker.go()
    return worker


def has_done(worker: Worker, days: int) -> bool:
    """Return whether a process has the lease, and has fetched so many days."""
    return len(worker.days) >= days


def test_a_holder_that_was_stopped_for_longer_than_its_lease(store: str, tmp_path: Path) -> None:
    """It sends nothing over the limit, stores nothing, and ends with the error that says so."""
    draw, stops, stopped = random.Random(7), 0, 0
    with fleet(
        tmp_path,
        store,
        days=MOST_DAYS,
        requests=REQUESTS,
        window=WINDOW,
        concurrency=CONCURRENCY,
        lease=LIFE,
    ) as here:
        holder = holding(here)
        while stops < STOPS:
            until(partial(has_done, holder, 3))
            following = holding(here)
            while not following.days:
                time.sleep(draw.random() * WINDOW)  # it is stopped at any moment of its work
                holder.send(signal.SIGSTOP)
                stopped = time.monotonic_ns()
                wait_for(partial(has_done, following, 1), LONGEST_STOP)
                holder.send(signal.SIGCONT)
            assert holder.wait() == 0
            assert len(holder.lines("lost")) == 1
            assert holder.lines("report") == []
            assert max(int(line[1]) for line in holder.lines("day")) < stopped + 1e9 * LIFE
            holder, stops = following, stops + 1
        here.check_limits()
        assert here.upstream.max_in_window(WINDOW) <= REQUESTS
        here.check_kept(set.union(*(worker.days for worker in here.workers)))
