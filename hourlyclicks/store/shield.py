"""Work that is completed even if its caller is cancelled."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


async def wait_shielded(job: asyncio.Future[T]) -> T:
    """Wait for a piece of work, which goes on when the caller is cancelled."""
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        job.add_done_callback(_seen)
        raise


def _seen(job: asyncio.Future[T]) -> None:
    """Take note of how a piece of work ended that nobody waits for any more."""
    if not job.cancelled():
        job.exception()
