"""Shards of accounts on a Dask cluster, here within this process; `engines` has it with real ones."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Limits, Link, UsageError
from hourlyclicks.errors import StoreError
from hourlyclicks.events import AccountEnded, FleetProgress
from hourlyclicks.fleet import AccountJob, AccountState, JobsRef, KeyRef, dask, shards
from hourlyclicks.fleet.dask_scheduler import backfill_at
from hourlyclicks.fleet.shards import Shard
from hourlyclicks.model.report import StopReason
from tests.cli.serving import serving
from tests.late import LateModule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hourlyclicks.events import Event
    from hourlyclicks.simulator import Simulator

distributed = LateModule("distributed")

DAYS = 5
LOOK = 0.01
PATIENCE = 20.0
STORE = KeyRef.env("HOURLYCLICKS_STORE")
NAMES = ["acme", "umbrella", "initech"]


def key_of(number: int) -> str:
    """Return a key, as a vault would."""
    return f"key-of-the-tests-{number}"


def jobs(names: list[str] = NAMES, days: int = DAYS) -> list[AccountJob]:
    """Return a job for each account."""
    return [
        AccountJob(
            name,
            key=KeyRef.call("tests.fleet.test_dask:key_of", number),
            targets=[Link("kYdr", "https://vvd.bz")],
            start="2025-01-01",
            end=dt.date(2025, 1, 1) + dt.timedelta(days=days - 1),
        )
        for number, name in enumerate(names)
    ]


class Cluster:
    """A cluster, a server, and a store.

    Args:
        client: the client of the cluster.
        upstream: the server.
    """

    def __init__(self, client: Any, upstream: Simulator) -> None:  # noqa: ANN401 - of an optional library
        self.scheduler: Any = client.cluster.scheduler
        self.client, self.upstream = client, upstream
        self.options: dict[str, Any] = {"base_url": upstream.url, "limits": Limits(concurrency=1)}

    async def has_asked(self, requests: int) -> None:
        """Wait until the server has got some requests."""
        async with asyncio.timeout(PATIENCE):
            while self.upstream.counters.requests < requests:  # noqa: ASYNC110 - of another thread
                await asyncio.sleep(LOOK)

    async def is_idle(self) -> None:
        """Wait until the worker has no task any more, cancelled ones included."""
        async with asyncio.timeout(PATIENCE):
            while any((await self.client.run(_tasks)).values()):  # noqa: ASYNC110 - of a worker
                await asyncio.sleep(LOOK)


def _tasks(dask_worker: Any) -> int:  # noqa: ANN401 - of an optional library
    return len(dask_worker.state.tasks)


@asynccontextmanager
async def cluster(threads: int = 2, workers: int = 1, **options: Any) -> AsyncIterator[Cluster]:  # noqa: ANN401 - of the server
    """Run a cluster with one worker, or with another number of them."""
    keys = {key_of(number): "enterprise" for number in range(len(NAMES))}
    place = {"processes": False, "dashboard_address": ":0", "asynchronous": True}
    with serving(keys=keys, **options) as upstream:
        async with (
            distributed.LocalCluster(n_workers=workers, threads_per_worker=threads, **place) as made,
            distributed.Client(made, asynchronous=True) as client,
        ):
            yield Cluster(client, upstream)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reference of the store lead to a new file."""
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path / "clicks.db"))


@pytest.mark.usefixtures("store")
async def test_the_accounts_are_done_and_reported_in_their_order() -> None:
    """Shards take every n-th account; the report has the accounts as they were given."""
    events: list[Event] = []
    async with cluster() as here:
        report = await dask.backfill_async(here.client, jobs(), on_event=events.append, **here.options)
        assert here.upstream.counters.requests == report.done == len(NAMES) * DAYS
        again = await dask.backfill_async(here.client, jobs(), **here.options)
        assert (again.reused, again.requests) == (report.done, 0)
    assert report.complete
    assert [each.name for each in report.accounts] == NAMES
    assert sorted(each.report.name for each in events if isinstance(each, AccountEnded)) == sorted(NAMES)
    last = [each for each in events if isinstance(each, FleetProgress)][-1]
    assert (last.accounts, last.complete, last.done, last.listed) == (len(NAMES), 3, report.done, True)


@pytest.mark.usefixtures("store")
async def test_the_scheduler_is_left_with_nothing_to_wait_for() -> None:
    """It would log an error for each shard that has ended, when it is closed within ten seconds."""
    async with cluster() as here:
        await dask.backfill_async(here.client, jobs(), **here.options)
        async with asyncio.timeout(PATIENCE / 10):
            while any(here.scheduler.extensions["events"]._waiter_count.values()):  # noqa: ASYNC110 - of a scheduler
                await asyncio.sleep(LOOK)


@pytest.mark.usefixtures("store")
async def test_an_async_source_is_read_to_its_end() -> None:
    """As `run_jobs` does it; no account at all is no error."""

    async def source() -> AsyncIterator[AccountJob]:
        for job in jobs():
            yield job

    async with cluster() as here:
        report = await dask.backfill_async(here.client, source(), shards=1, **here.options)
        assert report.done == len(NAMES) * DAYS
        empty = await dask.backfill_async(here.client, [], **here.options)
    assert (empty.complete, empty.accounts) == (True, ())


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("how", ["stop", "deadline"])
async def test_a_stop_reaches_all_shards(how: str) -> None:
    """They keep what is under way, and report it; so does a deadline."""
    stop = asyncio.Event()
    async with cluster(latency=(0.01, 0.01)) as here:
        options = here.options | ({"stop": stop} if how == "stop" else {"deadline": 2.0})
        work = asyncio.create_task(dask.backfill_async(here.client, jobs(days=365), **options))
        await here.has_asked(10)
        stop.set()
        report = await work
        assert here.upstream.counters.requests == report.requests
    reason = StopReason.STOPPED if how == "stop" else StopReason.DEADLINE
    assert (report.stopped, report.complete) == (reason, False)
    assert 0 < report.done < report.total


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("how", ["stop", "deadline"])
async def test_a_stop_without_workers(how: str) -> None:
    """None of them would hear of it, and the run ends nevertheless."""
    stop = asyncio.Event()
    options: dict[str, Any] = {"stop": stop} if how == "stop" else {"deadline": 0.1}
    async with cluster(workers=0) as here, asyncio.timeout(PATIENCE):
        stop.set()
        report = await dask.backfill_async(here.client, jobs(), **here.options, **options)
    reason = StopReason.STOPPED if how == "stop" else StopReason.DEADLINE
    assert (report.stopped, report.states) == (reason, {AccountState.UNSTARTED: len(NAMES)})


@pytest.mark.usefixtures("store")
async def test_a_cancelled_call_stops_its_shards() -> None:
    """Dask goes on with a task that was cancelled."""
    async with cluster(latency=(0.01, 0.01)) as here:
        work = asyncio.create_task(dask.backfill_async(here.client, jobs(days=365), **here.options))
        await here.has_asked(10)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await here.is_idle()
        assert here.upstream.counters.requests < 365


@pytest.mark.usefixtures("store")
async def test_a_shard_whose_client_is_gone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the death of a client, which can tell nothing, so that the shard has to look after it."""
    monkeypatch.setattr(shards, "EVERY", 0.05)
    async with cluster(latency=(0.01, 0.01)) as here:
        shard = Shard(jobs=jobs(days=365), number=0, of=1, store=STORE, options=here.options)
        task = here.client.submit(dask._run_shard, shard.packed(), "run", 0, key="run-0", pure=False)
        await here.has_asked(10)
        await here.client.cancel([task])
        await here.is_idle()
        assert here.upstream.counters.requests < 365


@pytest.mark.usefixtures("store")
async def test_work_that_dask_gives_up_is_an_error_with_the_report() -> None:
    """What Dask raises is raised, and tells what had been done; the other shards stop."""
    async with cluster(latency=(0.01, 0.01)) as here:
        work = asyncio.create_task(dask.backfill_async(here.client, jobs(days=365), **here.options))
        await here.has_asked(10)
        running = [key for keys in (await here.client.processing()).values() for key in keys]
        await here.client.cancel([distributed.Future(running[0], here.client)])
        with pytest.raises(distributed.client.FutureCancelledError) as caught:
            await work
        report = caught.value.fleet_report
        assert [each.name for each in report.accounts] == NAMES
        assert AccountState.UNSTARTED in report.states


async def test_a_worker_without_the_address_of_the_store_is_found_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error names the reference, and nothing was sent."""
    monkeypatch.delenv("HOURLYCLICKS_STORE", raising=False)
    async with cluster() as here:
        with pytest.raises(UsageError, match="HOURLYCLICKS_STORE is not set"):
            await dask.backfill_async(here.client, jobs(), **here.options)
        assert here.upstream.counters.requests == 0


async def test_an_error_of_the_store_has_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is typed as in one process."""
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path))
    async with cluster() as here:
        with pytest.raises(StoreError) as caught:
            await dask.backfill_async(here.client, jobs(), **here.options)
    assert caught.value.fleet_report is not None
    assert caught.value.fleet_report.states == {AccountState.UNSTARTED: len(NAMES)}


@pytest.mark.usefixtures("store")
async def test_what_is_wrong_is_said_before_anything_is_sent() -> None:
    """An address in clear would be in the memory of the scheduler, and a session cannot travel."""
    async with cluster() as here:
        mistakes: list[tuple[dict[str, Any], str]] = [
            ({"store": "postgresql://me:secret@db/clicks"}, "store must be of type KeyRef"),
            ({"shards": 0}, "shards must be"),
            ({"at_once": 0}, "at_once must be"),
            ({"rate": "fast"}, "requests/seconds"),
            ({"deadline": dt.datetime(2025, 1, 1)}, "time zone"),  # noqa: DTZ001 - the mistake
            ({"session": None}, "a task cannot carry the option 'session'"),
            ({"jobs": [*jobs(), *jobs()]}, "two jobs for the account 'acme'"),
        ]
        for wrong, match in mistakes:
            arguments = {"jobs": jobs()} | wrong | here.options
            with pytest.raises(UsageError, match=match):
                await dask.backfill_async(here.client, **arguments)
        with pytest.raises(UsageError, match="await backfill_async"):
            dask.backfill(here.client, jobs())
        assert here.upstream.counters.requests == 0


@pytest.mark.usefixtures("store")
def test_a_synchronous_client_waits() -> None:
    """As in a script or a notebook."""
    keys = {key_of(number): "enterprise" for number in range(len(NAMES))}
    with (
        serving(keys=keys) as upstream,
        distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as made,
        distributed.Client(made) as client,
    ):
        options: dict[str, Any] = {"base_url": upstream.url, "limits": Limits(concurrency=1)}
        report = dask.backfill(client, jobs(), STORE, 2, **options)
        assert (report.complete, report.done) == (True, len(NAMES) * DAYS)


@pytest.mark.usefixtures("store")
async def test_workers_read_the_jobs_of_a_reference() -> None:
    """Each shard takes its own accounts, and the report has all of them."""
    events: list[Event] = []
    async with cluster() as here:
        ref = JobsRef("tests.fleet.test_dask:jobs")
        report = await dask.backfill_async(here.client, ref, STORE, 2, on_event=events.append, **here.options)
        assert here.upstream.counters.requests == report.done == len(NAMES) * DAYS
    assert report.complete
    assert sorted(each.name for each in report.accounts) == sorted(NAMES)
    assert sorted(each.report.name for each in events if isinstance(each, AccountEnded)) == sorted(NAMES)


@pytest.mark.usefixtures("store")
async def test_a_scheduler_by_its_address() -> None:
    """A client is made for the run, and closed after it."""
    async with cluster() as here:
        address = here.client.scheduler_info()["address"]
        report = await backfill_at(address, jobs(), STORE, **here.options)
    assert report.complete
    assert report.done == len(NAMES) * DAYS
