"""A process that gives all accounts of its setting to a Dask cluster, and writes down what comes of it.

Called with the scheduler's file, a folder, and the number of workers. It writes ``state.msgpack.gz``, all
that the scheduler and the workers know while the work is under way, and ``report`` and ``events``, pickled.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import distributed

from hourlyclicks.fleet.dask import backfill_async
from tests.fleet.engines.accounts import STORE, Setting

if TYPE_CHECKING:
    from hourlyclicks.events import Event

LOOK = 0.05
PATIENCE = 60.0


async def shards(client: distributed.Client) -> list[str]:
    """Return the shards that workers have."""
    found = await client.processing()
    return [key for keys in found.values() for key in keys if not key.endswith("-check")]


async def main(scheduler: str, folder: Path, workers: int) -> None:
    """Do it."""
    setting = Setting.here()
    events: list[Event] = []
    async with distributed.Client(scheduler_file=scheduler, asynchronous=True) as client:
        await client.wait_for_workers(workers)
        work = asyncio.create_task(
            backfill_async(client, setting.jobs, STORE, on_event=events.append, **setting.options)
        )
        async with asyncio.timeout(PATIENCE):
            while not await shards(client):  # noqa: ASYNC110 - they are in other processes
                await asyncio.sleep(LOOK)
        await client.dump_cluster_state(str(folder / "state"))
        report = await work
    (folder / "report").write_bytes(pickle.dumps(report))
    (folder / "events").write_bytes(pickle.dumps(events))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
