"""The parts of a run that an engine gives to its processes as tasks, whichever engine that is.

A shard is a call of `run_jobs` in another process. Its task holds names and references: the accounts
themselves, compressed, or a `JobsRef`, whose accounts each shard divides by their names. Meanwhile it tells
how far it is, and hears when it is to stop.
"""

from __future__ import annotations

import asyncio
import lzma
import pickle
import zlib
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from hourlyclicks.events import FleetProgress
from hourlyclicks.fleet.accounts import AccountJob
from hourlyclicks.fleet.cancellation import stopping_when_cancelled
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.run import run_jobs
from hourlyclicks.fleet.sources import JobsRef, all_jobs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from hourlyclicks.model.fleet_report import FleetReport

EVERY = 10.0
"""Seconds between two reports of a shard; each costs the scheduler of Dask about 0.6 ms."""


class ShardChannel(Protocol):
    """What connects a shard with the process that began the run."""

    def tell(self, progress: FleetProgress) -> None:
        """Report how far the shard is."""
        ...

    async def ended(self, seconds: float) -> bool:
        """Wait for some seconds, or until the run is to stop; return whether it is."""
        ...


@attrs.frozen(kw_only=True)
class Shard:
    """A part of a run.

    Args:
        jobs: its accounts, or where those of all shards are.
        number: which one it is.
        of: how many there are.
        store: where the store is.
        options: those of `run_jobs`.
    """

    jobs: list[AccountJob] | JobsRef
    number: int
    of: int
    store: KeyRef
    options: dict[str, Any]

    def packed(self) -> bytes:
        """Return the argument of a task; listed accounts are alike, so each adds a few bytes."""
        return lzma.compress(pickle.dumps(self))

    def read_jobs(self) -> list[AccountJob] | AsyncGenerator[AccountJob, None]:
        """Return the accounts of this shard."""
        return self._share(self.jobs) if isinstance(self.jobs, JobsRef) else self.jobs

    async def _share(self, jobs: JobsRef) -> AsyncGenerator[AccountJob, None]:
        """Yield every account that is in this shard by its name, whatever their order or number."""
        async with aclosing(all_jobs(jobs)) as listed:
            async for job in listed:
                if zlib.crc32(job.name.encode()) % self.of == self.number:
                    yield job


async def run_shard(packed: bytes, channel: ShardChannel) -> FleetReport:
    """Do a shard.

    Args:
        packed: the shard.
        channel: connects it with the process that began the run.

    Raises:
        HourlyClicksError: as for `run_jobs`.
        asyncio.CancelledError: the call was cancelled; the answers to requests in flight were kept.
    """
    shard: Shard = pickle.loads(lzma.decompress(packed))  # noqa: S301 - engines do it with each task
    monitor = _Monitor(channel)
    monitoring = asyncio.create_task(monitor.run())
    work = run_jobs(
        shard.read_jobs(), store=shard.store, stop=monitor.stop, on_event=monitor.hear, **shard.options
    )
    try:
        return await stopping_when_cancelled(work, monitor.stop)
    finally:
        monitoring.cancel()
        monitor.tell()


class _Monitor:
    """Tells of the progress of a shard, and stops it when the run is to stop.

    Args:
        channel: connects the shard with the process that began the run.
    """

    def __init__(self, channel: ShardChannel) -> None:
        self.stop = asyncio.Event()
        self._channel = channel
        self._latest: FleetProgress | None = None

    def hear(self, event: object) -> None:
        """Note the progress."""
        if isinstance(event, FleetProgress):
            self._latest = event

    def tell(self) -> None:
        """Report the progress, if there was any."""
        if self._latest is not None:
            self._channel.tell(self._latest)

    async def run(self) -> None:
        """Report the progress now and then, until the run is to stop."""
        while not await self._channel.ended(EVERY):
            self.tell()
        self.stop.set()
