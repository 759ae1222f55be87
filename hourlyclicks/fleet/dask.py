"""Run the backfills of many accounts on a Dask cluster.

Dask chooses the processes, and begins the work of a lost one again elsewhere. What may be sent and stored is
decided by the leases in the store, since a task that Dask has given up may still run. A task does a shard of
the accounts: it is a call of `run_jobs` on the event loop of a worker, where it takes the place of a thread.
Its arguments stay with the scheduler until it is done, so it survives the loss of every worker, which data
that are scattered to the workers would not. They are names and references, compressed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.events import FleetProgress
from hourlyclicks.fleet.sharded_run import ShardedRun
from hourlyclicks.fleet.shards import run_shard
from hourlyclicks.fleet.task_options import STORE
from hourlyclicks.model.checks import check_whole
from hourlyclicks.model.extras import needing

if TYPE_CHECKING:
    import datetime as dt
    from typing import Unpack

    from distributed import Client

    from hourlyclicks.events import Hooks
    from hourlyclicks.fleet.keys import KeyRef
    from hourlyclicks.fleet.sources import Jobs
    from hourlyclicks.fleet.task_options import TaskOptions
    from hourlyclicks.model.fleet_report import FleetReport
    from hourlyclicks.pacing.plans import Rate


def backfill(
    dask_client: Client,
    jobs: Jobs,
    store: KeyRef = STORE,
    shards: int | None = None,
    **options: Any,  # noqa: ANN401 - those of `backfill_async`
) -> FleetReport:
    """Fetch the days of many accounts, and wait for it; see `backfill_async` for arguments and errors."""
    if dask_client.asynchronous:
        raise UsageError("an asynchronous Dask client needs: await backfill_async(…)")
    report: FleetReport = dask_client.sync(backfill_async, dask_client, jobs, store, shards, **options)
    return report


async def backfill_async(  # noqa: PLR0913 - keyword options with defaults, those of `run_jobs`
    dask_client: Client,
    jobs: Jobs,
    store: KeyRef = STORE,
    shards: int | None = None,
    *,
    at_once: int = 500,
    rate: Rate | str | None = None,
    deadline: float | dt.timedelta | dt.datetime | None = None,
    stop: asyncio.Event | None = None,
    on_event: Hooks = None,
    **options: Unpack[TaskOptions],
) -> FleetReport:
    """Fetch the days of many accounts into one store, on the workers of a cluster.

    Keys and the address of the store are read on the workers, from their references. When a worker is lost,
    its shards are begun again on another one, which goes on with what is missing in the store. It can be run
    again after any end, as `run_jobs` can.

    Args:
        dask_client: the client of the cluster, asynchronous for this function. The scheduler and the workers
            need this package, too.
        jobs: the accounts, as for `run_jobs`; they are read to their end first. Those of a `JobsRef` are read
            on the workers, so that the tasks stay small however many accounts there are; each shard then has
            the accounts that are its own by their names.
        store: a reference to the path or address of the store, which all workers can reach.
        shards: how many tasks to make; if omitted, one for each thread of the workers there are now. Those
            that find no free thread wait for their turn.
        at_once: how many accounts may be active at the same time, in all shards together.
        rate: how many requests all shards together may send in a stretch of time, such as ``"500/1"``; each
            keeps its share of it.
        deadline: when to stop, as for `run_jobs`; also when the cluster has no workers.
        stop: stop when this event is set.
        on_event: called with `FleetProgress` of all shards together, every 10 seconds for each of them, and
            with `AccountEnded` when a shard is done. With a client that is not asynchronous it is called in
            the thread of its event loop.
        options: the options of `run_jobs` that are plain values; see `TaskOptions`.

    Raises:
        UsageError: an argument is invalid, or a reference leads nowhere on a worker.
        StoreError: the store cannot be used; its `fleet_report` says what had been done before.
        distributed.KilledWorker: a shard has lost more workers than Dask's ``allowed-failures``; it has a
            `fleet_report`, too.
    """
    with needing("distributed", extra="dask"):
        import distributed  # noqa: PLC0415 - an extra
    if shards is not None:
        check_whole("shards", shards, least=1)
    sharded = await ShardedRun.of(
        jobs,
        store=store,
        at_once=at_once,
        rate=rate,
        deadline=deadline,
        stop=stop,
        on_event=on_event,
        options=options,
    )
    run = f"hourlyclicks-{uuid4().hex[:12]}"

    async def work() -> FleetReport:
        await dask_client.submit(_check, store, key=f"{run}-check", pure=False)
        parts = sum((await dask_client.nthreads()).values()) if shards is None else shards
        tasks = [
            dask_client.submit(
                _run_shard, each.packed(), run, each.number, key=_key(run, each.number), pure=False
            )
            for each in sharded.shards(max(1, parts))
        ]
        return await sharded.collect(tasks, distributed.Event(f"{run}-stop", client=dask_client))

    def hear(event: tuple[float, tuple[int, dict[str, Any]]]) -> None:
        sharded.hear(event[1][0], FleetProgress(**event[1][1]))

    dask_client.subscribe_topic(run, hear)
    try:
        return await sharded.done(work(), dask_client.nthreads)
    finally:
        dask_client.unsubscribe_topic(run)


async def _check(store: KeyRef) -> None:
    """Raise `UsageError` if a worker does not find the store; a cluster without workers starts one for it."""
    await store.text()


async def _run_shard(packed: bytes, run: str, number: int) -> FleetReport:
    """Do a shard, on a worker."""
    return await run_shard(packed, _WorkerChannel(run, number))


def _key(run: str, number: int) -> str:
    """Return what Dask calls the task of a shard."""
    return f"{run}-{number}"


class _WorkerChannel:
    """Connects a shard on a worker with the client, through the scheduler.

    Args:
        run: the name of the run.
        number: which shard it is.
    """

    def __init__(self, run: str, number: int) -> None:
        from distributed import Event, get_worker  # noqa: PLC0415 - an extra

        self._run, self._number = run, number
        self._worker, self._stop = get_worker(), Event(f"{run}-stop")

    def tell(self, progress: FleetProgress) -> None:
        """See `hourlyclicks.fleet.shards.ShardChannel.tell`."""
        self._worker.log_event(self._run, (self._number, attrs.asdict(progress)))

    async def ended(self, seconds: float) -> bool:
        """See `hourlyclicks.fleet.shards.ShardChannel.ended`; no client may be left to take the result."""
        try:
            if await self._stop.wait(timeout=seconds):
                return True
        except OSError:  # without its scheduler a worker ends soon, or finds it again
            await asyncio.sleep(seconds)
        task = self._worker.state.tasks.get(_key(self._run, self._number))
        return task is None or task.state == "cancelled"
