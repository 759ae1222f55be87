"""Processes that end, begin again, and have nothing left to do, also while the database is away."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from tests.processes.fleet import fleet, until
from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.fleet import Fleet
    from tests.store.databases import PreparedDatabases
    from tests.store.server import PostgresServer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGTERM elsewhere")

LINK = Link("kYdr", "https://vvd.bz")
RESTARTS = int(os.environ.get("HOURLYCLICKS_RESTARTS", sized("1", "2")))
AFTER = sized(20, 50)
"""How many requests are sent before the database crashes, and again before it crashes once more."""
DAYS = 40


def test_sigterm_keeps_what_was_fetched(store: str, tmp_path: Path) -> None:
    """It stops cleanly with a report, the next run requests only the missing days, and a third one none."""
    with fleet(tmp_path, store, days=DAYS, requests=20, window=0.3) as here:
        worker = here.start(LINK)
        worker.go()
        until(lambda: len(worker.days) >= 12)
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0
        report = worker.report
        assert report["stopped"] == "stopped"
        assert len(worker.days) == report["done"] == report["requests"] == here.upstream.counters.requests
        assert report["done"] + report["remaining"] == DAYS
        here.check_kept(worker.days)

        rest = here.run(LINK).report
        assert (rest["reused"], rest["done"], rest["stopped"]) == (
            report["done"],
            report["remaining"],
            "complete",
        )
        assert here.upstream.counters.requests == DAYS
        assert set(here.upstream.counters.asked.values()) == {1}

        nothing = here.run(LINK).report
        assert (nothing["reused"], nothing["requests"], nothing["stopped"]) == (DAYS, 0, "complete")
        assert here.upstream.counters.requests == DAYS
        here.check_limits()
        here.check_exact(LINK)


def test_a_database_that_crashes_is_waited_for(
    postgres_server: PostgresServer, prepared_databases: PreparedDatabases, tmp_path: Path
) -> None:
    """Restarts during a run cost only time, as long as they take less than a lease."""
    store = asyncio.run(prepared_databases.new())
    days = AFTER + (AFTER + 10) * RESTARTS
    with fleet(tmp_path, store, days=days, requests=30, window=0.5, total=50.0) as here:
        workers = [here.start(LINK) for _ in range(2)]
        for worker in workers:
            worker.go()
        for number in range(1, RESTARTS + 1):
            until(partial(_asked, here, AFTER * number))
            postgres_server.stop(signal.SIGQUIT)
            postgres_server.start()
        assert [worker.wait() for worker in workers] == [0, 0]
        reports = [worker.report for worker in workers]
        assert all(report["complete"] for report in reports)
        assert sum(report["done"] for report in reports) == days
        assert set(here.upstream.counters.asked.values()) == {1}
        here.check_limits()
        here.check_exact(LINK)


def _asked(here: Fleet, number: int) -> bool:
    return here.upstream.counters.requests >= number
