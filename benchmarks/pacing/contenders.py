"""Who competes: this package, and what one writes by hand. The libraries are in modules of their own.

A contender gets a `Job` and sends all of its requests, as fast as it believes it may. It does not know
whether time is virtual, or how the server counts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

import attrs

from benchmarks.peers.slices import DOMAIN, LINK, days
from hourlyclicks import Client, Limits, Link, Rate

_MINUTE = 60.0


@attrs.frozen
class Job:
    """What is to be done, and how a request reaches the server.

    Args:
        requests: how many requests to send.
        rate: the limit.
        concurrency: how many requests may be under way at once.
        trip: brings one request there and back.
        client: makes our client for some limits, on the same way.
    """

    requests: int
    rate: Rate
    concurrency: int
    trip: Callable[[], Awaitable[object]]
    client: Callable[[Limits], Client]


Contender: TypeAlias = Callable[[Job], Awaitable[None]]

OURS = "hourlyclicks, window"
OURS_EVEN = "hourlyclicks, even"
OURS_BARE = "hourlyclicks, window without guard"
EVEN = "even spacing at exactly the limit"
LOG = "log of send times"


async def send_all(job: Job, turn: Callable[[], Awaitable[object]]) -> None:
    """Send all requests, each when its turn has come, and so many at once as allowed.

    The place among those under way is taken first, so that a request leaves as soon as the limiter lets it.
    """
    semaphore = asyncio.Semaphore(job.concurrency)

    async def send() -> None:
        async with semaphore:
            await turn()
            await job.trip()

    async with asyncio.TaskGroup() as group:
        for _ in range(job.requests):
            group.create_task(send())


async def even(job: Job) -> None:
    """Send at equal intervals, as often as the limit allows; one that was missed is not made up for."""
    interval = job.rate.seconds / job.rate.requests
    following = 0.0

    async def turn() -> None:
        nonlocal following
        now = asyncio.get_running_loop().time()
        moment = max(following, now)
        following = moment + interval
        await asyncio.sleep(moment - now)

    await send_all(job, turn)


async def log(job: Job) -> None:
    """Send whenever fewer than allowed were sent during the last window."""
    loop, lock = asyncio.get_running_loop(), asyncio.Lock()
    sent: deque[float] = deque(maxlen=job.rate.requests)

    async def turn() -> None:
        async with lock:
            if len(sent) == sent.maxlen:
                await asyncio.sleep(sent[0] + job.rate.seconds - loop.time())
            sent.append(loop.time())

    await send_all(job, turn)


def ours(spacing: Literal["window", "even"], *, guarded: bool = True) -> Contender:
    """Return the whole client of this package, with the published limits and everything else by default.

    Args:
        spacing: how the requests are spread.
        guarded: whether the guard is the default of a second for a window of a minute, and as much less for a
            shorter one; else there is none.
    """

    async def fetch(job: Job) -> None:
        guard = job.rate.seconds / _MINUTE if guarded else 0.0
        limits = Limits((job.rate,), job.concurrency, guard=guard, spacing=spacing)
        wanted = days(job.requests)
        async with job.client(limits) as client:
            series = await client.fetch(wanted[0], wanted[-1], Link(LINK, DOMAIN))
        if series.missing_days or len(list(series.days())) != job.requests:
            raise RuntimeError(f"{series!r} is not what was asked for")

    return fetch


def contenders() -> dict[str, Contender]:
    """Return all contenders by their names; to add one, add a line, or a module with its `CONTENDERS`."""
    from benchmarks.pacing import with_aiolimiter, with_pyrate_limiter  # noqa: PLC0415 - they import this one

    return {
        OURS: ours("window"),
        OURS_EVEN: ours("even"),
        OURS_BARE: ours("window", guarded=False),
        **with_aiolimiter.CONTENDERS,
        **with_pyrate_limiter.CONTENDERS,
        EVEN: even,
        LOG: log,
    }
