"""aiolimiter as its documentation shows it, and as it is used to avoid bursts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

from benchmarks.pacing.contenders import send_all

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Contender, Job


async def plain(job: Job) -> None:
    """Let so many requests through in a window."""
    await send_all(job, AsyncLimiter(job.rate.requests, job.rate.seconds).acquire)


async def one_by_one(job: Job) -> None:
    """Let one request through in the average interval, so that there are no bursts."""
    await send_all(job, AsyncLimiter(1, job.rate.seconds / job.rate.requests).acquire)


CONTENDERS: dict[str, Contender] = {"aiolimiter, R a window": plain, "aiolimiter, one by one": one_by_one}
"""By their names."""
