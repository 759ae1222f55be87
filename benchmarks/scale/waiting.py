"""What accounts take that wait for their limits, all of them in one process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import asyncpg  # noqa: F401 - imported here, so that it is not measured

from benchmarks.processes import ROOT, resident, variables
from benchmarks.scale import database, ours, processor, upstream
from benchmarks.scale.scene import Scene
from hourlyclicks.fleet import run_jobs

_HOUR = 3_600.0
"""The limits allow a request an hour, so that each account waits after its first day."""
_LOOK = 0.2
SETTLED = 10.0
"""Seconds until unused connections have been closed, and the limiters of all accounts were written down."""


def scene(accounts: int) -> Scene:
    """Return so many accounts, all of which wait after their first day."""
    return Scene(accounts, 3, _HOUR, 1)


def measured(accounts: int, *, settled: float = SETTLED) -> dict[str, float]:
    """Let so many accounts wait in a process of their own.

    Args:
        accounts: how many.
        settled: seconds from the last first day to the look at the process, and seconds of that look.

    Returns:
        The ``bytes`` of memory that each takes, how many ``descriptors`` the process has, and the seconds of
        ``processor`` time it takes each second meanwhile.

    Raises:
        RuntimeError: PostgreSQL is not installed.
    """
    with database.server() as postgres, upstream.running(scene(accounts)) as api:
        if postgres is None:
            raise RuntimeError("there is no PostgreSQL on this machine")
        dsn = asyncio.run(postgres.new_database())
        words = [sys.executable, "-m", __name__, api.url, dsn, str(accounts), str(settled)]
        with subprocess.Popen(  # noqa: S603 - ours
            words, cwd=ROOT, env=variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            while api.counts()["requests"] < accounts:
                assert process.poll() is None
                time.sleep(_LOOK)
            taken: dict[str, float] = json.loads(process.communicate("\n")[0])
    return taken


async def main(url: str, dsn: str, accounts: int, settled: float) -> None:
    """Begin with all accounts, and look after a line was read, when each has fetched a day."""
    stop = asyncio.Event()
    await _run(url, dsn, Scene(1, 1, _HOUR, 1))  # loads what the first account needs
    before = resident()
    running = asyncio.create_task(_run(url, dsn, scene(accounts), at_once=accounts, stop=stop))
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(settled)
    began = time.process_time()
    await asyncio.sleep(settled)
    taken = {
        "bytes": (resident() - before) / accounts,
        "descriptors": processor.descriptors(),
        "processor": (time.process_time() - began) / settled,
    }
    stop.set()
    await running
    print(json.dumps(taken), flush=True)


async def _run(url: str, dsn: str, whole: Scene, **options: Any) -> None:  # noqa: ANN401 - passed through
    await run_jobs(ours.jobs(whole), store=dsn, base_url=url, **options)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
