"""pyrate-limiter with its asynchronous interface, and a bucket in memory that keeps a log, its default.

Its bucket asks a clock that cannot be chosen, so `now` is overridden; nothing else is touched. What has left
the window would be thrown away by a thread of its own. That thread would sleep in real time and decides
nothing, so it is not started.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory

from benchmarks.pacing.contenders import send_all

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Contender, Job

_MILLISECONDS = 1000


class _Bucket(InMemoryBucket):
    """A bucket on the time of the event loop."""

    def now(self) -> int:
        """Return milliseconds."""
        return int(asyncio.get_running_loop().time() * _MILLISECONDS)


async def sliding(job: Job) -> None:
    """Let so many requests through in a window: `Rate(R, Duration.MINUTE)`, its buffer of 50 ms as it is."""
    bucket = _Bucket([Rate(job.rate.requests, round(job.rate.seconds * _MILLISECONDS))])
    with Limiter(SingleBucketFactory(bucket, schedule_leak=False)) as limiter:
        await send_all(job, lambda: limiter.try_acquire_async("statistics"))


CONTENDERS: dict[str, Contender] = {"pyrate-limiter": sliding}
"""By their names."""
