"""A worker process of the demonstration of a fleet; one of them is killed.

Called with the URL of the server, the path of the store, the number of accounts, and the number of days of
each. All workers are called with the same: which accounts a worker takes is decided by the store.
"""

from __future__ import annotations

import asyncio
import sys

from hourlyclicks.cli.demo.fleet_settings import AT_ONCE, RETRY, TIMEOUT, days, jobs
from hourlyclicks.fleet.run import run_jobs

_INCOMPLETE = 1


async def main(url: str, store: str, accounts: int, number: int) -> int:
    """Fetch the days, and return the exit code."""
    report = await run_jobs(
        jobs(accounts, days(number)),
        store=store,
        at_once=AT_ONCE,
        base_url=url,
        retry=RETRY,
        timeout=TIMEOUT,
    )
    return 0 if report.complete else _INCOMPLETE


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
