"""Requests in flight of calls that have ended: with a store, they are completed, and their answers kept.

A request that was sent has taken its slot, and the server answers it whether or not anything waits for it. To
abandon it would lose its figures, and hold the slot for as long as it may still arrive. So when a caller
leaves (it is cancelled, or ends a stream early), a worker with a request in flight goes on until the answer
is stored. It sends nothing more: its job is over. Without a store nothing could be kept, and the request is
abandoned at once.

Closing the client waits for such requests too, and for those of the calls that it ends, but not for long.
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.jobs.services import Services

GRACE = 1.0
"""Seconds for which closing waits for requests in flight whose answers are stored."""


class Finishing:
    """The workers that complete a request of a call that has ended."""

    def __init__(self) -> None:
        self._workers: set[asyncio.Task[None]] = set()

    def add(self, worker: asyncio.Task[None]) -> None:
        """Let a worker go on by itself."""
        self._workers.add(worker)
        worker.add_done_callback(self._ended)

    @property
    def workers(self) -> Iterable[asyncio.Task[None]]:
        """Those that have not ended yet."""
        return tuple(self._workers)

    async def end(self) -> None:
        """Cancel all of them, and wait until they have ended."""
        workers = self.workers
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.wait(workers)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """Forget a worker; its outcome is retrieved, so that asyncio does not complain."""
        self._workers.discard(worker)
        if not worker.cancelled():
            worker.exception()


async def finish_sent(services: Services, error: HourlyClicksError, grace: float) -> None:
    """Send nothing more, and wait for the requests in flight.

    Args:
        services: the parts of the client.
        error: that of the calls that are ended.
        grace: the seconds to wait at most.
    """
    stops = [asyncio.ensure_future(run.on_stop(copy.copy(error))) for run in services.running]
    await asyncio.sleep(0)  # the calls begin to stop, before their waiting tasks get the error
    services.limiter.abort(error, for_good=True)
    waited = {*stops, *services.finishing.workers, *services.single_flight.sent()}
    if waited:
        await asyncio.wait(waited, timeout=grace)
    for stop in stops:
        stop.cancel()  # closing ends these calls at once
