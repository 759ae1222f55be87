"""Several processes share one key through one store; `benchmarks.store.sharing` measures the cost."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from tests.processes.fleet import fleet
from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the processes heed SIGTERM")

REQUESTS, WINDOW, DAYS = 20, 0.5, sized(12, 15)
LINKS = tuple(Link(f"link{number}", "https://vvd.bz") for number in range(4))


@pytest.mark.parametrize("same", [False, True], ids=["links of their own", "one job"])
def test_four_processes_keep_one_limit(store: str, tmp_path: Path, *, same: bool) -> None:
    """Four processes together never exceed the limit, and request each day once between them."""
    # In one second, on a busy machine, a request might be given up, and sent again.
    with fleet(
        tmp_path, store, days=DAYS, requests=REQUESTS, window=WINDOW, concurrency=3, total=30.0
    ) as here:
        workers = [here.start(*(LINKS if same else [link])) for link in LINKS]
        for worker in workers:
            worker.get_ready()
        for worker in workers:
            worker.go()
        assert [worker.wait() for worker in workers] == [0] * len(workers)
        reports = [worker.report for worker in workers]
        assert all(report["complete"] for report in reports)
        assert sum(report["done"] for report in reports) == DAYS * len(LINKS)
        here.check_limits()
        assert here.upstream.max_in_window(WINDOW) <= REQUESTS
        assert set(here.upstream.counters.asked.values()) == {1}
        assert len(here.upstream.counters.asked) == DAYS * len(LINKS)
        here.check_exact(*LINKS)
        shares = " / ".join(str(report["done"]) for report in reports)
        _log.info(
            "%s requests for %s days; done: %s", here.upstream.counters.requests, DAYS * len(LINKS), shares
        )
