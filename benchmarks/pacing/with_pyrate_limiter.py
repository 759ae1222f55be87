"""pyrate-limiter with its asynchronous interface, and a bucket in memory that keeps a log, its default.

Its bucket asks a clock that cannot be chosen, so `now` is overridden; nothing else is touched. What has left
the window would be thrown away by a thread of its own. That thread would sleep in real time and decides
nothing, so it is not started.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory

from benchmarks.pacing.contenders import send_all

if TYPE_CHECKING:
    from types import TracebackType

    from benchmarks.pacing.contenders import Contender, Job

_MILLISECONDS = 1000


class _Bucket(InMemoryBucket):
    """A bucket on the time of the event loop."""

    def now(self) -> int:
        """Return milliseconds."""
        return int(asyncio.get_running_loop().time() * _MILLISECONDS)


class _Turns(AbstractAsyncContextManager[None]):
    """The limiter as a context manager, as others have it."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def __aenter__(self) -> None:
        await self._limiter.try_acquire_async("statistics")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is given back."""


async def sliding(job: Job) -> None:
    """Let so many requests through in a window: `Rate(R, Duration.MINUTE)`, its buffer of 50 ms as it is."""
    bucket = _Bucket([Rate(job.rate.requests, round(job.rate.seconds * _MILLISECONDS))])
    with Limiter(SingleBucketFactory(bucket, schedule_leak=False)) as limiter:
        await send_all(job, _Turns(limiter))


CONTENDERS: dict[str, Contender] = {"pyrate-limiter": sliding}
"""By their names."""
