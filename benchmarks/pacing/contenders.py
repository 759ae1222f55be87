"""Who competes: this package, and what one writes by hand. The libraries are in modules of their own.

A contender gets a `Job` and sends all of its requests, as fast as it believes it may. It does not know
whether time is virtual, or how the server counts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from benchmarks.peers.slices import DOMAIN, LINK, days
from hourlyclicks import Client, Limits, Link, Rate

if TYPE_CHECKING:
    from types import TracebackType

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


async def send_all(job: Job, turn: AbstractAsyncContextManager[object]) -> None:
    """Send all requests, each when its turn has come, and so many at once as allowed.

    The place among those under way is taken first, so that a request leaves as soon as the limiter lets it.
    """
    semaphore = asyncio.Semaphore(job.concurrency)

    async def send() -> None:
        async with semaphore, turn:
            await job.trip()

    async with asyncio.TaskGroup() as group:
        for _ in range(job.requests):
            group.create_task(send())


class _Turns(AbstractAsyncContextManager[None]):
    """Something to wait for before each sending; those who wait are served in order."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def wait(self, now: float) -> None:
        """Wait until one request may leave; only one waits at a time."""
        raise NotImplementedError

    async def __aenter__(self) -> None:
        async with self._lock:
            await self.wait(asyncio.get_running_loop().time())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is given back."""


class Beats(_Turns):
    """The beats of a metronome; one that was missed is not made up for."""

    def __init__(self, interval: float) -> None:
        super().__init__()
        self._interval = interval
        self._next = 0.0

    async def wait(self, now: float) -> None:
        """Wait for the next beat."""
        beat = max(self._next, now)
        self._next = beat + self._interval
        await asyncio.sleep(beat - now)


class SendLog(_Turns):
    """When the last requests left; the next may leave a window after the oldest of so many."""

    def __init__(self, rate: Rate) -> None:
        super().__init__()
        self._window = rate.seconds
        self._sent: deque[float] = deque(maxlen=rate.requests)

    async def wait(self, now: float) -> None:
        """Wait until the window has room."""
        if len(self._sent) == self._sent.maxlen:
            await asyncio.sleep(self._sent[0] + self._window - now)
        self._sent.append(asyncio.get_running_loop().time())


async def even(job: Job) -> None:
    """Send on the beats of a metronome that beats as often as the limit allows."""
    await send_all(job, Beats(job.rate.seconds / job.rate.requests))


async def log(job: Job) -> None:
    """Send whenever fewer than allowed were sent during the last window."""
    await send_all(job, SendLog(job.rate))


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
