"""Calls that would rather fail at once than wait long for the rate limit: the argument `wait`.

Before a call with a `wait` queues anything, the limiter computes by how much its last request would be
delayed: by the rates, by calls that go first, by other processes as far as they are known, and by a pause. If
that is longer, nothing is queued. The time that the server takes to answer does not count, nor does the
client's own concurrency on an idle client; both would be there without any limit.

A forecast can turn out wrong later. A pause that begins after a call was let through, and ends too late for
it, ends the call in the same way. Calls of a higher priority and other processes that come later only delay
it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import RateLimitedError, carry
from hourlyclicks.model.priority import Lane

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from hourlyclicks.jobs.services import Services
    from hourlyclicks.pacing.queue import Job


@asynccontextmanager
async def bounded_wait(
    services: Services, wait: float, job: Job, is_unsent: Callable[[], bool]
) -> AsyncGenerator[None, None]:
    """Let a call through if it is not delayed for too long, and end it if a pause makes it so.

    Args:
        services: the parts of the client.
        wait: the seconds for which it may be delayed.
        job: what the call will send.
        is_unsent: returns whether it still has requests to send.

    Raises:
        RateLimitedError: it would be delayed for longer; `retry_after` is by how much.
    """
    limiter = services.limiter
    if job.unsent:
        await limiter.look(again=True)
        delay = limiter.delay(job)
        if delay > wait:
            raise RateLimitedError(
                f"the rate limit would delay the call by {delay:.3g} s, longer than wait={wait:g} allows",
                retry_after=delay - wait,
            )
    watch = _PauseWatch(services, wait + limiter.undelayed(job), job.lane, is_unsent)
    try:
        async with watch.scope:
            with limiter.queue.reporting(watch.pause_began):
                yield
    except TimeoutError as error:
        if not watch.expired:
            raise
        ended = RateLimitedError(
            f"all requests pause for {watch.pause:.3g} s, longer than is left of wait={wait:g}",
            retry_after=watch.pause,
        )
        series = getattr(error.__cause__, "series", None)
        if series is not None:
            carry(ended, series=series)
        raise ended from None


class _PauseWatch:
    """Ends a call when a pause begins that is too long for it.

    Args:
        services: the parts of the client.
        seconds: within which its last request must leave.
        lane: its priority.
        is_unsent: returns whether it still has requests to send.

    Attributes:
        scope: cancels the call.
        expired: whether it did.
        pause: the seconds that the pause takes.
    """

    def __init__(self, services: Services, seconds: float, lane: Lane, is_unsent: Callable[[], bool]) -> None:
        self.scope = asyncio.timeout(None)
        self.expired = False
        self.pause = 0.0
        self._limiter = services.limiter
        self._clock = services.clock
        self._latest = services.clock.monotonic() + seconds * SECOND
        self._lane = lane
        self._is_unsent = is_unsent

    def pause_began(self) -> None:
        """Look at the pause in the next turn of the loop, when a rejected request counts as unsent again."""
        self._clock.call_later(0, self._look)

    def _look(self) -> None:
        limiter = self._limiter
        self.pause = max(limiter.pause, limiter.backfill_pause if self._lane is Lane.BACKFILL else 0.0)
        late = self._clock.monotonic() + self.pause * SECOND > self._latest
        if late and not self.expired and self._is_unsent():
            self.expired = True
            with suppress(RuntimeError):  # the call has ended meanwhile
                self.scope.reschedule(asyncio.get_running_loop().time())
