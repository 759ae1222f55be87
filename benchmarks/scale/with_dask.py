"""Accounts on a Dask cluster of this machine: as a user writes it, and with ``hourlyclicks.fleet.dask``."""

from __future__ import annotations

import importlib
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from benchmarks.scale import ours
from hourlyclicks import Client
from hourlyclicks.fleet import dask

if TYPE_CHECKING:
    from collections.abc import Iterator

    import distributed

    from benchmarks.scale.scene import Member, Scene

WORKERS = 2
AT_ONCE = 24
"""The accounts of a worker at a time: each opens two connections, and two workers 96 of the 97 there are."""


@contextmanager
def workers(threads: int) -> Iterator[distributed.Client]:
    """Run a scheduler and workers, each of which takes so many tasks at a time; yield a client of Dask."""
    import distributed  # noqa: PLC0415 - only where it takes part

    options = {
        "n_workers": WORKERS,
        "threads_per_worker": threads,
        "dashboard_address": "127.0.0.1:0",  # None is a server at port 8787 all the same
        "processes": True,
    }
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(_import)
        yield client


def _import() -> None:
    """Import what tasks use, which is not measured."""
    for name in ("asyncpg", "benchmarks.scale.ours", "hourlyclicks.store.postgres"):
        importlib.import_module(name)


def pids(client: distributed.Client) -> list[int]:
    """Return the processes of the workers."""
    return list(client.run(os.getpid).values())


async def backfill(member: Member, scene: Scene, url: str, dsn: str) -> int:
    """Fetch the days of an account, in a task of its own."""
    async with Client(
        member.key, account=member.name, limits=scene.limits, base_url=url, store=dsn
    ) as client:
        report = await client.backfill(scene.range.start, scene.range.end, [member.link])
    return report.done


def a_client_each(client: distributed.Client, scene: Scene, url: str, dsn: str, *, patience: float) -> None:
    """Let each account be a task, for so many seconds at most."""
    import distributed  # noqa: PLC0415 - only where it takes part

    members = list(scene.members())
    futures = client.map(backfill, members, scene=scene, url=url, dsn=dsn, pure=False)
    with suppress(TimeoutError):
        distributed.wait(futures, timeout=patience)
    client.cancel([future for future in futures if not future.done()])


def fleet(client: distributed.Client, scene: Scene, url: str, dsn: str) -> None:
    """Let ``hourlyclicks.fleet.dask`` run all accounts, half of them on each worker."""
    client.run(_name_store, dsn)
    jobs = list(ours.jobs(scene))
    dask.backfill(client, jobs, shards=WORKERS, at_once=WORKERS * ours.AT_ONCE, base_url=url)


def _name_store(dsn: str) -> None:
    """Tell a worker where the store is; tasks have the name of the variable only."""
    os.environ["HOURLYCLICKS_STORE"] = dsn
