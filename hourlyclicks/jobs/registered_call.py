"""A call for many days as other processes see and stop it, as they do with a backfill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import StoppedError
from hourlyclicks.model.priority import Lane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.pacing.limiter import Limiter
    from hourlyclicks.pacing.queue import Job

REGISTERED_AFTER = 2 * SECOND
"""Nanoseconds from which a call is seen; until then it costs nothing."""


class RegisteredCall:
    """A `RegisteredRun` that is not a backfill.

    Args:
        limiter: grants its slots.
        job: the call as the limiter sees it.
        stop: lets it finish the requests in flight, and ends it with an error.

    Attributes:
        name: it has none.
    """

    name = ""

    def __init__(self, limiter: Limiter, job: Job, stop: Callable[[StoppedError], Awaitable[None]]) -> None:
        self._limiter = limiter
        self._job = job
        self._stop = stop
        self._stopping: asyncio.Future[None] | None = None

    @property
    def requests(self) -> int:
        """See `RegisteredRun.requests`."""
        return self._job.unsent

    @property
    def pause(self) -> float:
        """See `RegisteredRun.pause`."""
        return self._limiter.backfill_pause if self._job.lane is Lane.BACKFILL else 0.0

    def eta(self) -> float:
        """See `RegisteredRun.eta`."""
        return self._limiter.eta.eta(self._job)[0]

    def stop_asked(self) -> None:
        """See `RegisteredRun.stop_asked`."""
        self._job.over = True
        self._limiter.queue.dismiss(self._job)
        error = StoppedError("another process has asked to stop, as `hourlyclicks stop` does")
        self._stopping = asyncio.ensure_future(self._stop(error))
