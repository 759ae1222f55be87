"""An app of procrastinate with the tasks of the package, as a service would have it, and its worker process.

Called with ``defer`` and a folder, it makes the tables, defers the jobs, and waits until all of them have
ended; then it writes ``jobs``, what the tables have, and ``failed``, the accounts whose job has failed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from procrastinate import App, PsycopgConnector

from hourlyclicks.fleet.procrastinate import tasks
from tests.fleet.engines import short_leases  # noqa: F401 - a worker waits less long for another one
from tests.fleet.engines.accounts import STORE, Setting

LOOK = 0.2
PATIENCE = 300.0
MANY = 100
"""So many accounts write too much into the logs."""

setting = Setting.here()
app = App(connector=PsycopgConnector(conninfo=os.environ["HOURLYCLICKS_STORE"]))
clicks = tasks(app, STORE, stalled="* * * * * *", stalled_after=2.0, **setting.options)


async def work() -> None:
    """Run a worker, until it is told to end."""
    async with app.open_async():
        await app.run_worker_async(
            concurrency=int(os.environ["SHARE"]),
            fetch_job_polling_interval=0.5,
            update_heartbeat_interval=0.4,
            stalled_worker_timeout=2.0,
            shutdown_graceful_timeout=1.0,
        )


async def defer(folder: Path) -> None:
    """Defer the jobs, and wait for their end."""
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        assert await clicks.defer_async(setting.jobs) == setting.accounts
        assert await clicks.defer_async(setting.jobs) == 0
        (folder / "deferred").touch()
        async with asyncio.timeout(PATIENCE):
            while await under_way():  # noqa: ASYNC110 - they are in other processes
                await asyncio.sleep(LOOK)
        failed = await app.job_manager.list_jobs_async(task=clicks.backfill.name, status="failed")
        accounts = [str(job.lock).removeprefix("hourlyclicks.") for job in failed]
        (folder / "failed").write_text(json.dumps(accounts), "utf-8")
        (folder / "jobs").write_text(await tables(), "utf-8")


async def under_way() -> bool:
    """Return whether some jobs have not ended."""
    waiting = "status IN ('todo', 'doing') AND lock IS NOT NULL"
    query = f"SELECT count(*) AS number FROM procrastinate_jobs WHERE {waiting}"  # noqa: S608 - our own words
    row = await app.connector.execute_query_one_async(query)
    return bool(row["number"])


async def tables() -> str:
    """Return all that the queue knows."""
    found = []
    for table in ("procrastinate_jobs", "procrastinate_events", "procrastinate_workers"):
        query = f"SELECT row_to_json({table})::text AS row FROM {table}"  # noqa: S608 - our own names
        found += [row["row"] for row in await app.connector.execute_query_all_async(query)]
    return "\n".join(found)


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG if setting.accounts < MANY else logging.INFO)
    asyncio.run(defer(Path(sys.argv[2])) if sys.argv[1] == "defer" else work())
