"""Run the backfills of many accounts on a Dask cluster.

Dask chooses the processes, and begins the work of a lost one again elsewhere. What may be sent and stored is
decided by the leases in the store, since a task that Dask has given up may still run. A task does a shard of
the accounts: it is a call of `run_jobs` on the event loop of a worker, where it takes the place of a thread.
Its arguments stay with the scheduler until it is done, so it survives the loss of every worker, which data
that are scattered to the workers would not. They are names and references, compressed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import lzma
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import HourlyClicksError, UsageError, carry
from hourlyclicks.events import AccountEnded, Dispatcher, FleetProgress
from hourlyclicks.fleet.accounts import AccountJob
from hourlyclicks.fleet.cancellation import stopping_when_cancelled
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.run import all_jobs, run_jobs
from hourlyclicks.fleet.task_options import check_options, share_of
from hourlyclicks.model.checks import check_type, check_whole
from hourlyclicks.model.dates import seconds_until
from hourlyclicks.model.extras import needing
from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport
from hourlyclicks.model.report import StopReason

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Unpack

    from distributed import Client, Event, Future

    from hourlyclicks.events import Hooks
    from hourlyclicks.fleet.run import Jobs
    from hourlyclicks.fleet.task_options import TaskOptions
    from hourlyclicks.pacing.plans import Rate

_STORE = KeyRef.env("HOURLYCLICKS_STORE")
_EVERY = 10.0
"""Seconds between two reports of a shard; each costs the scheduler about 0.6 ms."""
_LOOK_AFTER = 1.0
"""Seconds after which to look again whether a cluster has workers."""
_SUMS = ("running", "held", "complete", "failed", "days", "done", "failed_days")


def backfill(
    dask_client: Client,
    jobs: Jobs,
    store: KeyRef = _STORE,
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
    store: KeyRef = _STORE,
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
        jobs: the accounts, as for `run_jobs`; they are read to their end first.
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
    check_type("store", store, KeyRef)
    check_whole("at_once", at_once, least=1)
    if shards is not None:
        check_whole("shards", shards, least=1)
    check_options(options)
    dispatch = Dispatcher(on_event)
    now = SystemClock().wall()
    left = seconds_until(deadline, now)
    accounts = [job async for job in all_jobs(jobs)]
    run = f"hourlyclicks-{uuid4().hex[:12]}"
    batch = _Batch(accounts, dispatch, distributed.Event(f"{run}-stop", client=dask_client))

    async def work() -> FleetReport:
        await dask_client.submit(_check, store, key=f"{run}-check", pure=False)
        parts = sum((await dask_client.nthreads()).values()) if shards is None else shards
        parts = max(1, min(parts, len(accounts)))
        shared = {
            "at_once": max(1, at_once // parts),
            "rate": share_of(rate, parts),
            "deadline": None if left is None else now + dt.timedelta(seconds=left),
            **options,
        }
        shares = [_Shard(accounts[first::parts], store, shared).packed() for first in range(parts)]
        tasks = [
            dask_client.submit(_run_shard, each, run, number, key=f"{run}-{number}", pure=False)
            for number, each in enumerate(shares)
        ]
        return await batch.collect(tasks, stop)

    dask_client.subscribe_topic(run, batch.hear)
    try:
        return await batch.unless_given_up(work(), _given_up(dask_client, left, stop))
    finally:
        dask_client.unsubscribe_topic(run)


async def _given_up(dask_client: Client, left: float | None, stop: asyncio.Event | None) -> StopReason:
    """Wait until the run is to stop and has no worker that could hear of it, and return why it is to stop."""
    reason = StopReason.STOPPED
    try:
        async with asyncio.timeout(left):
            await (stop or asyncio.Event()).wait()
    except TimeoutError:
        reason = StopReason.DEADLINE
    while True:
        with suppress(OSError):  # the scheduler is gone, which ends the work as well
            if not await dask_client.nthreads():
                return reason
        await asyncio.sleep(_LOOK_AFTER)


@attrs.frozen
class _Shard:
    """What a task does.

    Args:
        jobs: the accounts.
        store: where the store is.
        options: those of `run_jobs`.
    """

    jobs: list[AccountJob]
    store: KeyRef
    options: dict[str, Any]

    def packed(self) -> bytes:
        """Return the argument of the task; the accounts are alike, so each adds a few bytes."""
        return lzma.compress(pickle.dumps(self))


async def _check(store: KeyRef) -> None:
    """Raise `UsageError` if a worker does not find the store; a cluster without workers starts one for it."""
    await store.text()


async def _run_shard(packed: bytes, run: str, number: int) -> FleetReport:
    """Do a shard, on a worker."""
    shard: _Shard = pickle.loads(lzma.decompress(packed))  # noqa: S301 - Dask itself does it with each task
    monitor = _ShardMonitor(run, number)
    monitoring = asyncio.create_task(monitor.run())
    work = run_jobs(shard.jobs, store=shard.store, stop=monitor.stop, on_event=monitor.hear, **shard.options)
    try:
        return await stopping_when_cancelled(work, monitor.stop)
    finally:
        monitoring.cancel()
        monitor.tell()


class _ShardMonitor:
    """Tells the client of the progress of a shard, and the shard when to stop.

    Args:
        run: the name of the run.
        number: which shard it is.
    """

    def __init__(self, run: str, number: int) -> None:
        from distributed import Event, get_worker  # noqa: PLC0415 - an extra

        self.stop = asyncio.Event()
        self._run, self._number = run, number
        self._worker, self._ended = get_worker(), Event(f"{run}-stop")
        self._latest: FleetProgress | None = None

    def hear(self, event: object) -> None:
        """Note the progress."""
        if isinstance(event, FleetProgress):
            self._latest = event

    def tell(self) -> None:
        """Send the progress to the client."""
        if self._latest is not None:
            self._worker.log_event(self._run, {"shard": self._number, "progress": attrs.asdict(self._latest)})

    async def run(self) -> None:
        """Send the progress now and then, until the run is to stop."""
        ended = False
        while not ended:
            try:
                ended = await self._ended.wait(timeout=_EVERY)
            except OSError:  # without its scheduler a worker ends soon, or finds it again
                await asyncio.sleep(_EVERY)
            self.tell()
            ended = ended or self._is_given_up()
        self.stop.set()

    def _is_given_up(self) -> bool:
        """Return whether no client is there to take the result, which the worker tells no task."""
        task = self._worker.state.tasks.get(f"{self._run}-{self._number}")
        return task is None or task.state == "cancelled"


class _Batch:
    """The shards, as the client sees them.

    Args:
        jobs: all accounts.
        dispatch: receives the events.
        ended: tells the shards to stop.
    """

    def __init__(self, jobs: list[AccountJob], dispatch: Dispatcher, ended: Event) -> None:
        accounts = tuple(AccountReport(name=job.name, state=AccountState.UNSTARTED) for job in jobs)
        self._reports = [FleetReport(accounts=accounts, seconds=0.0)]
        self._dispatch, self._ended = dispatch, ended
        self._heard: dict[int, FleetProgress] = {}

    def hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Receive the progress of a shard, and pass on that of all."""
        _, message = event
        self._heard[message["shard"]] = FleetProgress(**message["progress"])
        heard = self._heard.values()
        sums = {name: sum(getattr(each, name) for each in heard) for name in _SUMS}
        self._dispatch(
            FleetProgress(
                accounts=len(self._reports[0].accounts),
                listed=True,
                seconds=max(each.seconds for each in heard),
                **sums,
            )
        )

    async def unless_given_up(
        self, work: Coroutine[Any, Any, FleetReport], given_up: Coroutine[Any, Any, StopReason]
    ) -> FleetReport:
        """Do the work; when it was given up before, return what was done."""
        working, waiting = asyncio.create_task(work), asyncio.create_task(given_up)
        try:
            await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            given = FleetReport(accounts=(), seconds=0.0, stopped=waiting.result())
            return FleetReport.merged([*self._reports, given])
        finally:
            waiting.cancel()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def collect(self, tasks: list[Future[Any]], stop: asyncio.Event | None) -> FleetReport:
        """Wait for all shards, and return the report of all accounts."""
        stopping = None if stop is None else asyncio.create_task(self._stop_after(stop))
        try:
            found = await asyncio.gather(*map(self._result, tasks))
        finally:
            if stopping is not None:
                stopping.cancel()
            # Ends the waits of shards that are done: the scheduler does not know that they were cancelled,
            # and would log an error for each when it is closed.
            await self._ended.set()
            await self._ended.clear()
        report = FleetReport.merged(self._reports)
        errors = [each for each in found if each is not None]
        if errors:
            errors.sort(key=lambda error: not isinstance(error, HourlyClicksError))
            carry(errors[0], fleet_report=report)
            raise errors[0]
        return report

    async def _result(self, task: Future[Any]) -> Exception | None:
        """Wait for a shard; if it fails, stop the others, and return the error."""
        try:
            report = await task
        except BaseException as error:
            await self._ended.set()
            if not isinstance(error, Exception):
                raise
            if isinstance(error, HourlyClicksError) and error.fleet_report is not None:
                self._reports.append(error.fleet_report)
            return error
        self._reports.append(report)
        for account in report.accounts:
            self._dispatch(AccountEnded(report=account))
        return None

    async def _stop_after(self, stop: asyncio.Event) -> None:
        """Tell the shards to stop when an event is set."""
        await stop.wait()
        await self._ended.set()
