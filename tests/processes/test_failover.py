"""The PostgreSQL server of several processes crashes during their backfill, and is started again."""

from __future__ import annotations

import asyncio
import logging
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from tests.processes.fleet import fleet, until
from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.fleet import Worker
    from tests.store.databases import PreparedDatabases
    from tests.store.server import PostgresServer

_log = logging.getLogger(__name__)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the server's processes are found in /proc")

REQUESTS, WINDOW, CONCURRENCY = 20, 0.5, 3
DAYS = sized(25, 60)
LINKS = (Link("kYdr", "https://vvd.bz"), Link("한글", "https://vvd.bz"))
CRASHES = sized((15,), (15, 50, 80))
"""After how many days."""


def test_a_backfill_survives_crashes_of_postgres(
    postgres_server: PostgresServer, prepared_databases: PreparedDatabases, tmp_path: Path
) -> None:
    """Four processes lose no day, repeat only requests under way, and never exceed the limit."""
    store = asyncio.run(prepared_databases.new())
    with fleet(
        tmp_path, store, days=DAYS, requests=REQUESTS, window=WINDOW, concurrency=CONCURRENCY, total=5.0
    ) as here:
        workers = [here.start(*LINKS) for _ in range(4)]
        for worker in workers:
            worker.go()
        for done in CRASHES:
            until(partial(_have_done, workers, done))
            assert any(worker.runs for worker in workers)
            postgres_server.crash()
            postgres_server.start()
        assert [worker.wait() for worker in workers] == [0] * len(workers)
        assert all(worker.report["complete"] for worker in workers)
        counters, days = here.upstream.counters, DAYS * len(LINKS)
        assert len(counters.asked) == days
        assert counters.requests <= days + len(CRASHES) * CONCURRENCY
        here.check_limits()
        assert here.upstream.max_in_window(WINDOW) <= REQUESTS
        here.check_exact(*LINKS)
        _log.info("%s crashes, %s requests for %s days", len(CRASHES), counters.requests, days)


def _have_done(workers: list[Worker], days: int) -> bool:
    return sum(len(worker.days) for worker in workers) >= days
