"""Processes that are killed during a backfill.

``HOURLYCLICKS_KILLS`` says how often, for more than a look; ``--log-cli-level=info`` shows the figures.
"""

from __future__ import annotations

import logging
import os
import random
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from tests.processes.fleet import fleet, until
from tests.sizes import sized

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.model.targets import Target
    from tests.processes.fleet import Worker

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL elsewhere")

_log = logging.getLogger(__name__)

KILLS = int(os.environ.get("HOURLYCLICKS_KILLS", sized("2", "8")))
LINKS = (Link("kYdr", "https://vvd.bz"), Link("한글", "https://vvd.bz"))
CONCURRENCY = 2
REQUESTS, WINDOW = sized((15, 0.5), (30, 1.0))
LONGEST_LIFE = sized(0.5, 1.3)
SOON = 0.1
MOST_DONE = 12
TOGETHER = sized(2, 4)
A_LIFE = sized(20, 40)
"""Days that there are for each process that is killed while others work; they may do some of its share."""
FULL = 10
SHORTEST_LEASE = 10.0
"""Seconds for which a slot of a process is held of which nothing is known; in truth longer."""


def test_a_backfill_survives_any_number_of_kills(store: str, tmp_path: Path) -> None:
    """Killed at random moments, it loses no reported day, and repeats only requests in flight."""
    chance = random.Random(KILLS)
    reported: set[tuple[Target, dt.date]] = set()
    at_work = 0
    with fleet(
        tmp_path,
        store,
        days=sized(20, 30) + sized(8, 7) * KILLS,
        requests=REQUESTS,
        window=WINDOW,
        concurrency=CONCURRENCY,
        margin=0.4,
    ) as here:
        for number in range(KILLS):
            worker = here.start(*LINKS)
            worker.go()
            if number % 2:  # it surely dies at work, and not while it waits for its predecessor's slots
                until(partial(_has_done, worker, chance.randint(1, MOST_DONE)))
            time.sleep(chance.uniform(0, SOON if number % 2 else LONGEST_LIFE))
            assert worker.runs, "it was done too soon: there are not enough days"
            worker.kill()
            at_work += bool(worker.days)
            reported |= worker.days
            here.check_kept(reported)
        last = here.run(*LINKS)
        days = len(here.days) * len(LINKS)
        counters = here.upstream.counters
        assert last.report["complete"]
        assert len(counters.asked) == days
        assert counters.requests == counters.asked.total() <= days + KILLS * CONCURRENCY
        here.check_limits()
        here.check_exact(*LINKS)
        assert at_work >= KILLS // 2
        _log.info("%s of %s killed at work, with %s of %s days done", at_work, KILLS, len(reported), days)
        _log.info("%s requests, at most %s for a day", counters.requests, max(counters.asked.values()))


def test_processes_that_work_together_survive_the_kills_of_each(store: str, tmp_path: Path) -> None:
    """One of them is killed and replaced again and again: the others keep the limit, and finish the job."""
    chance = random.Random(KILLS)
    reported: set[tuple[Target, dt.date]] = set()
    kills, killed, concurrency = max(1, KILLS // 2), 0, 3
    with fleet(
        tmp_path,
        store,
        days=15 + A_LIFE * kills,
        requests=REQUESTS,
        window=WINDOW,
        concurrency=concurrency,
        margin=0.4,
    ) as here:
        workers = [here.start(*LINKS) for _ in range(TOGETHER)]
        for worker in workers:  # else the first could be done before the last begins
            worker.get_ready()
        for worker in workers:
            worker.go()
        for _ in range(kills):
            victim = workers.pop(chance.randrange(TOGETHER))
            until(partial(_has_done_or_ended, victim, chance.randint(1, MOST_DONE)))
            if not victim.runs:  # on a slow machine, the others are done before there are so many lives
                workers.append(victim)
                break
            killed += 1
            victim.kill()
            reported |= victim.days
            here.check_kept(reported)
            workers.append(here.start(*LINKS))
            workers[-1].go()
        assert [worker.wait() for worker in workers] == [0] * TOGETHER
        assert all(worker.report["complete"] for worker in workers)
        days, counters = len(here.days) * len(LINKS), here.upstream.counters
        assert len(counters.asked) == days
        assert killed
        assert counters.requests <= days + killed * concurrency
        here.check_limits()
        here.check_exact(*LINKS)
        _log.info(
            "%s processes, %s killed at work; %s of %s days done by these",
            TOGETHER,
            killed,
            len(reported),
            days,
        )
        _log.info("%s requests, at most %s for a day", counters.requests, max(counters.asked.values()))


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="only Linux tells that a process ended")
def test_a_restart_does_not_wait_for_the_lease_of_a_killed_process(store: str, tmp_path: Path) -> None:
    """Killed with all slots in use, it is resumed at once, and no limit is exceeded."""
    with fleet(tmp_path, store, days=20, requests=30, window=1.0) as here:
        worker = here.start(LINKS[0])
        worker.go()
        until(partial(_has_done, worker, 5))
        worker.kill()
        last = here.start(LINKS[0])
        last.go()
        began = time.monotonic()
        assert last.wait() == 0
        assert time.monotonic() - began < SHORTEST_LEASE / 2
        here.check_limits()
        here.check_exact(LINKS[0])


def test_a_restart_right_after_a_full_window_waits(store: str, tmp_path: Path) -> None:
    """A process that starts right after its predecessor has used up a window begins no new one."""
    with fleet(tmp_path, store, days=30, requests=FULL, window=sized(0.6, 1.2)) as here:
        for _ in range(2):
            worker = here.start(LINKS[0])
            worker.go()
            until(partial(_has_used_a_window, worker))
            worker.kill()
        here.run(LINKS[0])
        here.check_limits()
        here.check_exact(LINKS[0])


def _has_used_a_window(worker: Worker) -> bool:
    return len(worker.days) >= FULL


def _has_done_or_ended(worker: Worker, days: int) -> bool:
    return _has_done(worker, days) or not worker.runs


def _has_done(worker: Worker, days: int) -> bool:
    return len(worker.days) >= days
