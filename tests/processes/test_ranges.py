"""Processes that ask for ranges of days are killed, and share one job: on a file, a database, and a pooler.

``HOURLYCLICKS_KILLS`` says how often, for more than a look; ``--log-cli-level=info`` shows the figures.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from hourlyclicks.coordination.shared_backend import MARGIN
from hourlyclicks.jobs.range_plan import plan_ranges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import MONTH
from hourlyclicks.model.targets import as_target
from tests.processes.fleet import fleet, until
from tests.sizes import THOROUGH, sized

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.model.targets import Target
    from tests.processes.fleet import Fleet, Worker
    from tests.store.bouncer import Bouncer
    from tests.store.databases import PreparedDatabases

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL elsewhere")

_log = logging.getLogger(__name__)

KILLS = int(os.environ.get("HOURLYCLICKS_KILLS", sized("2", "6")))
LINKS = (Link("kYdr", "https://vvd.bz"), Link("한글", "https://vvd.bz"))
DAYS_PER_REQUEST, CONCURRENCY = 31, 2
DAYS = sized(220, 400) + sized(60, 120) * KILLS
V2, V3 = "clicks-by-hour/v2", "clicks-by-hour/v3"
PROOFS = 1
"""A day is compared with version 2, once for each process that has not found it in the store."""
MOST_PROOFS = 12 + 3 * 2
"""A process asks for so many ranges a minute at most to prove that days without rows were answered for.

There are those in which it looks for a day with clicks, and two for each better witness.
"""
WORKERS = CONCURRENCY + 2
"""How many ranges a process has in hand at most."""
TOGETHER = int(os.environ.get("HOURLYCLICKS_KILLS", "6"))


@pytest.fixture(params=["sqlite", *sized([], ["postgres", "pgbouncer"])])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store; that of a database may be one of a pooler in transaction mode."""
    if request.param == "sqlite":
        return str(tmp_path / "clicks.db")
    databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
    dsn = asyncio.run(databases.new())
    if request.param == "postgres":
        return dsn
    pooler: Bouncer = request.getfixturevalue("bouncer")
    return pooler.dsn(dsn)


def ranges_of(here: Fleet) -> int:
    """Return how many requests were for ranges."""
    return here.upstream.counters.count(endpoint=V3)


def test_ranges_survive_any_number_of_kills(store: str, tmp_path: Path) -> None:
    """No reported day is lost, and only the ranges that were under way are asked for twice."""
    chance = random.Random(KILLS)
    reported: set[tuple[Target, dt.date]] = set()
    with fleet(
        tmp_path,
        store,
        days=DAYS,
        requests=sized(4, 10),
        window=sized(0.3, 0.6),
        concurrency=CONCURRENCY,
        margin=0.4,
        plan="business",
        endpoint="auto",
        latency=(0.02, 0.06),
    ) as here:
        for _ in range(KILLS):
            worker = here.start(*LINKS)
            begun = ranges_of(here)
            worker.go()
            until(lambda begun=begun, worker=worker: ranges_of(here) > begun + 1 or not worker.runs)  # type: ignore[misc]  # bound now
            time.sleep(chance.uniform(0, 0.2))
            assert worker.runs, "it was done too soon: there are not enough days"
            worker.kill()
            reported |= worker.days
            here.check_kept(reported)
        last = here.run(*LINKS)
        counters = here.upstream.counters
        assert last.report["complete"]
        assert len(counters.asked) == DAYS * len(LINKS)
        repeated = counters.asked.total() - len(counters.asked)
        _log.info("%s kills, %s days reported before the last run", KILLS, len(reported))
        _log.info("%s requests, %s days asked for again", counters.requests, repeated)
        assert repeated <= KILLS * (CONCURRENCY * DAYS_PER_REQUEST + PROOFS) + PROOFS
        here.check_limits()
        here.check_exact(*LINKS)


def test_two_processes_share_a_job_of_ranges(store: str, tmp_path: Path) -> None:
    """Between them each day is asked for once, but the one that each process compares; the limit is kept.

    Claims last as long as they do outside of tests: none of the processes is killed, and the store of a busy
    machine can take longer than a second.
    """
    window, requests = 0.7, 20
    with fleet(
        tmp_path,
        store,
        days=sized(360, 1_500),
        requests=requests,
        window=window,
        concurrency=3,
        margin=MARGIN,
        plan="business",
        endpoint="auto",
    ) as here:
        workers = [here.start(*LINKS) for _ in range(2)]
        for worker in workers:
            worker.get_ready()
        for worker in workers:
            worker.go()
        assert [worker.wait() for worker in workers] == [0, 0]
        reports = [worker.report for worker in workers]
        assert all(report["complete"] for report in reports)
        assert sum(report["done"] for report in reports) == len(here.days) * len(LINKS)
        here.check_limits()
        assert here.upstream.max_in_window(window) <= requests
        counters = here.upstream.counters
        assert len(counters.asked) == len(here.days) * len(LINKS)
        compared = counters.count(endpoint=V2)
        assert counters.asked.total() <= len(counters.asked) + compared
        assert compared <= PROOFS * len(workers)
        _log.info("%s requests of %s, done %s", counters.requests, requests, _shares(workers))
        here.check_exact(*LINKS)


@pytest.mark.skipif(not THOROUGH, reason="it takes minutes")
@pytest.mark.parametrize("active", [100, 50, 30, 10, 2])
def test_two_processes_are_killed_in_turn(store: str, tmp_path: Path, active: int) -> None:
    """On the same job, over days without clicks, too: nothing is lost, and only what was under way repeated.

    A range is under way until all of its days are stored. If their silence is still to be proved, that takes
    further requests, which each process has to send for itself.
    """
    chance = random.Random(TOGETHER + active)
    reported: set[tuple[Target, dt.date]] = set()
    with fleet(
        tmp_path,
        store,
        days=200 + 120 * TOGETHER,
        requests=4,
        window=2.0,
        concurrency=CONCURRENCY,
        margin=0.4,
        plan="business",
        endpoint="auto",
        latency=(0.02, 0.06),
        active_days=active,
    ) as here:
        waiting = [here.start(*LINKS) for _ in range(TOGETHER + 2)]
        for worker in waiting:
            worker.get_ready()
        workers = [waiting.pop(), waiting.pop()]
        for worker in workers:
            worker.go()
        for number in range(TOGETHER):
            worker, begun = workers[number % 2], ranges_of(here)
            until(lambda begun=begun, worker=worker: ranges_of(here) > begun + 2 or not worker.runs)  # type: ignore[misc]  # bound now
            time.sleep(chance.uniform(0, 0.2))
            assert worker.runs, "it was done too soon: there are not enough days"
            worker.kill()
            reported |= worker.days
            here.check_kept(reported)
            workers[number % 2] = waiting.pop()
            workers[number % 2].go()
        assert [worker.wait() for worker in workers] == [0, 0]
        counters = here.upstream.counters
        repeated = counters.asked.total() - len(counters.asked)
        _log.info("%s kills, %s days reported before the last runs", TOGETHER, len(reported))
        _log.info("%s requests, %s days asked for again", counters.requests, repeated)
        if active == 100:
            assert repeated <= TOGETHER * (CONCURRENCY * DAYS_PER_REQUEST + PROOFS) + 2 * PROOFS
        proofs = [proofs_of(worker, here, stored_at(here)) for worker in here.workers]
        _log.info("%s ranges asked for as a proof", sum(proofs))
        assert all(
            number <= MOST_PROOFS * (1 + worker.minutes)
            for worker, number in zip(here.workers, proofs, strict=True)
        )
        assert ranges_of(here) <= sum(proofs) + fewest_ranges(here) + TOGETHER * WORKERS
        here.check_limits()
        here.check_exact(*LINKS)


def stored_at(here: Fleet) -> dict[tuple[Target, dt.date], int]:
    """Return when each day was reported as done first."""
    moments: dict[tuple[Target, dt.date], int] = {}
    for worker in here.workers:
        for _, moment, target, day in worker.lines("day"):
            name = as_target(target), dt.date.fromisoformat(day)
            moments[name] = min(moment, moments.get(name, moment))
    return moments


def proofs_of(worker: Worker, here: Fleet, stored: dict[tuple[Target, dt.date], int]) -> int:
    """Return how many ranges a process has asked for of which it needed no day, or had all in the store."""
    number = 0
    for _, _, sent, target, first, length in worker.lines("range"):
        start = dt.date.fromisoformat(first)
        days = DateRange(start, start + dt.timedelta(length - 1))
        number += all(stored.get((as_target(target), day), sent) < sent for day in days if day in here.days)
    return number


def fewest_ranges(here: Fleet) -> int:
    """Return how many ranges a run without any interruption asks for."""
    return len(plan_ranges(here.days, MONTH, within=here.days)) * len(LINKS)


def _shares(workers: list[Worker]) -> list[int]:
    return [worker.report["done"] for worker in workers]
