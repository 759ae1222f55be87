"""The same accounts in every way, one way after the other, each with an empty database."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.scale import database, ours, processor, upstream, with_dask
from benchmarks.scale.scene import kept

if TYPE_CHECKING:
    from collections.abc import Callable

    import distributed

    from benchmarks.scale.scene import Scene
    from tests.store.server import PostgresServer


@attrs.frozen
class Found:
    """What came of one way.

    Args:
        days: the days that were kept, all of them final and right.
        seconds: how long it took.
        processor: the processor time of the workers, in seconds.
        peak: the most memory of the workers together, in bytes.
        requests: the requests that the server received.
        over: those of them that were over the limit of their key.
        load: what was done to the database.
    """

    days: int
    seconds: float
    processor: float
    peak: int
    requests: int
    over: int
    load: database.Load

    @property
    def rate(self) -> float:
        """Days a second."""
        return self.days / self.seconds

    def figures(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return attrs.asdict(self)


def race(scene: Scene, work: Callable[[str, str], tuple[float, float, int]], connections: int = 100) -> Found:
    """Let workers fetch all days into an empty database of a new server.

    Args:
        scene: what there is to fetch.
        work: does it, from the URL and into the address of a store; returns the seconds, the processor time
            and the peak of the memory.
        connections: how many connections the database has.

    Raises:
        RuntimeError: PostgreSQL is not installed.
    """
    with database.server(connections) as postgres, upstream.running(scene) as api:
        if postgres is None:
            raise RuntimeError("there is no PostgreSQL on this machine")
        return asyncio.run(_race(scene, work, postgres, api))


async def _race(
    scene: Scene,
    work: Callable[[str, str], tuple[float, float, int]],
    postgres: PostgresServer,
    api: upstream.Upstream,
) -> Found:
    dsn = await postgres.new_database()
    async with database.watched(postgres, dsn.rpartition("/")[2]) as load:
        seconds, taken, peak = await asyncio.to_thread(work, api.url, dsn)
    counted = api.counts()
    return Found(await kept(scene, dsn), seconds, taken, peak, counted["requests"], counted["over"], load)


def processes(scene: Scene, url: str, dsn: str, *, number: int) -> tuple[float, float, int]:
    """Let so many processes of ``hourlyclicks.fleet`` share the accounts."""
    with ExitStack() as stack:
        of = attrs.astuple(scene)
        works = [ours.Work(url, dsn, of, part, number) for part in range(number)]
        workers = [stack.enter_context(ours.process(work)) for work in works]
        for worker in workers:
            worker.get_ready()
        began = time.monotonic()
        for worker in workers:
            worker.go()
        taken = [worker.wait() for worker in workers]
        seconds = time.monotonic() - began
    return seconds, sum(each["processor"] for each in taken), sum(each["peak"] for each in taken)


def a_client_each(
    scene: Scene, url: str, dsn: str, *, threads: int, patience: float
) -> tuple[float, float, int]:
    """Let each account be a task of Dask with a client of its own."""
    with with_dask.workers(threads) as client:
        return _timed(client, lambda: with_dask.a_client_each(client, scene, url, dsn, patience=patience))


def fleet_on_dask(scene: Scene, url: str, dsn: str) -> tuple[float, float, int]:
    """Let ``hourlyclicks.fleet.dask`` run the accounts, half of them on each worker."""
    with with_dask.workers(1) as client:
        return _timed(client, lambda: with_dask.fleet(client, scene, url, dsn))


def _timed(client: distributed.Client, run: Callable[[], None]) -> tuple[float, float, int]:
    pids = with_dask.pids(client)
    before, began = sum(map(processor.seconds, pids)), time.monotonic()
    run()
    seconds = time.monotonic() - began
    return seconds, sum(map(processor.seconds, pids)) - before, sum(map(processor.peak, pids))
